//! How messages look: in columns, or as on the terminal of the original.

mod banner;
mod class;
mod columns;
mod component;
mod emission;
mod emitters;
mod fields;
mod health;
mod line;
mod message;
mod metrics;
mod nodes;
mod screen;
mod speakers;
mod style;
mod subscribed;
mod words;

use bellwether_message::{Instance, Pattern};

use self::class::Class;
use self::emission::Emission;
use self::emitters::LogEvent;
use self::line::Line;
use self::message::Message;
use self::screen::Screen;
use crate::message_line;

/// How messages look where people read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Theme {
    /// One line each, in columns
    Plain,
    /// Coloured lines, marks and banners, as the original's emitters print them
    Classic,
}

impl Theme {
    /// What draws messages in this theme, if they are not [lines in columns](message_line).
    pub(crate) fn classic(self) -> Option<Classic> {
        (self == Self::Classic).then(|| Classic::new(Screen::of_stdout))
    }
}

/// Draws messages as the original's components print them: who says it, in the colour of what is said.
///
/// Remembers of each subscription whether it was healthy, of at most 4,096.
#[derive(Debug)]
pub(crate) struct Classic {
    /// Asked for each message.
    screen: fn() -> Screen,
    emission: Emission,
}

impl Classic {
    fn new(screen: fn() -> Screen) -> Self {
        Self {
            screen,
            emission: Emission::default(),
        }
    }

    /// One message, given in its JSON form: one or more lines, without the last line break.
    ///
    /// # Errors
    /// If it is no message. A message whose payload has not the shape that its event promises is drawn like one of
    /// which nothing is known.
    pub(crate) fn render(&mut self, json: &[u8]) -> Result<String, serde_json::Error> {
        let message = Message::of(json)?;
        let screen = (self.screen)();
        let lines = match self.known(&message, screen) {
            Some(lines) => lines,
            None => vec![unknown(&message, json)?],
        };
        Ok(render(lines, screen))
    }

    /// What is said once a subscription stands: which stores' health and metrics it hears of.
    pub(crate) fn subscribed(&self, wanted: &[(Instance, Pattern)]) -> Vec<String> {
        let screen = (self.screen)();
        let lines = subscribed::lines(wanted).into_iter();
        lines.map(|line| line.render(screen)).collect()
    }

    /// The lines of a message that has a form of its own.
    fn known(&mut self, message: &Message<'_>, screen: Screen) -> Option<Vec<Line>> {
        match &*message.event {
            "subscription_health" => health::event(message, &mut self.emission),
            "health_summary" => health::summary(message).map(|line| vec![line]),
            "store_metrics" => metrics::event(message).map(|line| vec![line]),
            "metrics_summary" => metrics::summary(message).map(|line| vec![line]),
            "events" => metrics::broadcasts(message),
            "log_event" => emitters::log_event(message).map(|event| match event {
                LogEvent::Banner(banner) => banner.lines(screen),
                LogEvent::Line(line) => vec![line],
            }),
            "process_lifecycle_event" | "lifecycle_event" if let Some(banner) = emitters::lifecycle_banner(message) => {
                Some(banner.lines(screen))
            }
            _ => nodes::line(message).map(|line| vec![line]),
        }
    }
}

/// A message of which nothing is known but what it says: its fields, in the class that its words tell.
fn unknown(message: &Message<'_>, json: &[u8]) -> Result<Line, serde_json::Error> {
    let component = speakers::component(message);
    let rest = match component {
        Some(component) if component.is_emitter() => Class::Emitter,
        _ => Class::Action,
    };
    let class = words::class(message, rest);
    let text = message_line::compact(json)?;
    Ok(message::says(message.speaker(component, class), component, &text))
}

fn render(lines: Vec<Line>, screen: Screen) -> String {
    let lines = lines.into_iter().map(|line| line.render(screen));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
