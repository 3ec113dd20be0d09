//! Good histories, of which the bad ones are made by one change each.

/// Two nodes; b listens to a; nothing goes wrong. Message 2 is not for b.
pub(crate) const PLAIN: &str = "
    a/1 start
    b/1 start
    a/1 up b/1
    b/1 up a/1
    b/1 subscribed 1 x,y:*
    a/1 publish 1 x
    b/1 got 1 a/1 1 x
    a/1 publish 2 z
    a/1 publish 3 y:new
    b/1 got 1 a/1 3 y:new
    a/1 publish 4 x
    b/1 got 1 a/1 4 x
    a/1 size queue 9 10
    a/1 idle tasks 50 51 0
    a/1 idle descriptors 10 13 4
    wait 1000
    driver quiet
    a/1 publish 5 x
    b/1 got 1 a/1 5 x
    wait 3000
    a/1 stop
    a/1 exit 0
";

/// A slow subscriber and an overrun link: gaps, one exact, one not.
pub(crate) const GAPS: &str = "
    a/1 start
    b/1 start
    b/1 subscribed 1 x
    driver fault flood a b
    a/1 publish 1 x
    b/1 got 1 a/1 1 x
    a/1 publish 2 x
    a/1 publish 3 z
    a/1 publish 4 x
    a/1 publish 5 x
    a/1 publish 6 x
    a/1 publish 7 z
    a/1 publish 8 x
    driver heal flood a b
    b/1 gap 1 a/1 2-4 2 exact slow_subscriber
    b/1 got 1 a/1 5 x
    b/1 gap 1 a/1 6-7 2 bound link_overrun
    b/1 got 1 a/1 8 x
    wait 1000
    driver quiet
";

/// a is killed and comes back. Its last message was never acknowledged, the one before never got out.
pub(crate) const CRASH: &str = "
    a/1 start
    b/1 start
    a/1 up b/1
    b/1 up a/1
    b/1 subscribed 1 x
    a/1 publish 1 x
    b/1 got 1 a/1 1 x
    a/1 call 2 x
    b/1 got 1 a/1 2 x
    a/1 publish 3 x
    a/1 kill
    a/1 exit signal
    wait 2000
    b/1 down a/1
    a/2 start
    a/2 up b/1
    b/1 up a/2
    b/1 end 1 a/1 2 unknown
    a/2 publish 1 x
    b/1 got 1 a/2 1 x
    wait 1000
    driver quiet
    a/2 publish 2 x
    b/1 got 1 a/2 2 x
    wait 3000
    driver quiet
";

/// a stops cleanly while b listens.
pub(crate) const STOP: &str = "
    a/1 start
    b/1 start
    a/1 up b/1
    b/1 up a/1
    b/1 subscribed 1 x
    a/1 publish 1 x
    b/1 got 1 a/1 1 x
    a/1 publish 2 x
    b/1 got 1 a/1 2 x
    b/1 end 1 a/1 2
    b/1 left a/1
    a/1 stop
    a/1 exit 0
    wait 1000
    driver quiet
";

/// a and b are cut apart for so long that b gives a up, and go on where they stopped.
pub(crate) const SPLIT: &str = "
    a/1 start
    b/1 start
    a/1 up b/1
    b/1 up a/1
    b/1 subscribed 1 x
    a/1 publish 1 x
    b/1 got 1 a/1 1 x
    driver fault cut a b
    a/1 publish 2 x
    wait 2000
    b/1 down a/1
    a/1 down b/1
    wait 300000
    b/1 end 1 a/1 1 unknown
    a/1 publish 3 x
    a/1 publish 4 x
    driver heal cut a b
    wait 3000
    b/1 up a/1
    a/1 up b/1
    b/1 gap 1 a/1 2-2 1 exact link_overrun
    b/1 got 1 a/1 3 x
    b/1 got 1 a/1 4 x
    wait 9000
    driver quiet
    a/1 publish 5 x
    b/1 got 1 a/1 5 x
    wait 3000
    driver quiet
";

/// A client of b is cut off and resumes; a did not confirm at first; c starts later.
pub(crate) const RESUME: &str = "
    a/1 start
    b/1 start
    b/1 subscribed 1 x a
    a/1 publish 1 x
    b/1 confirmed 1 a
    a/1 publish 2 x
    a/1 publish 3 x
    b/1 got 1 a/1 2 x
    b/1 got 1 a/1 3 x
    a/1 publish 4 x
    b/1 stream_ended 1
    b/1 subscribe 2 x
    b/1 resumed 2 1
    b/1 ok 2
    c/1 start
    c/1 publish 1 x
    b/1 got 2 a/1 4 x
    b/1 live 2 1
    a/1 publish 5 x
    b/1 got 2 a/1 5 x
    b/1 got 2 c/1 1 x
    wait 1000
    driver quiet
";

/// A subscription from the earliest; the past of a does not come whole, that of b (its own node) does.
pub(crate) const REPLAY: &str = "
    a/1 start
    b/1 start
    a/1 publish 1 x
    a/1 publish 2 x
    a/1 publish 3 x
    b/1 publish 1 x
    b/1 publish 2 x
    b/1 subscribed 1 x
    b/1 got 1 a/1 1 x
    b/1 got 1 b/1 1 x
    b/1 got 1 b/1 2 x
    b/1 live 1 3 a
    a/1 publish 4 x
    b/1 got 1 a/1 4 x
    wait 1000
    driver quiet
";

/// Two members of a queue group, on b and c, and one that gets all, on c.
pub(crate) const QUEUE: &str = "
    a/1 start
    b/1 start
    c/1 start
    b/1 subscribed 1 $queue:w:x
    c/1 subscribed 2 $queue:w:x
    c/1 subscribed 3 x
    a/1 publish 1 x
    c/1 got 3 a/1 1 x
    b/1 got 1 a/1 1 x
    a/1 publish 2 x
    c/1 got 2 a/1 2 x
    c/1 got 3 a/1 2 x
    wait 1000
    driver quiet
    a/1 publish 3 x
    c/1 got 3 a/1 3 x
    b/1 got 1 a/1 3 x
    wait 3000
    driver quiet
";
