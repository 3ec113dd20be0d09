//! What kind of thing is said, which decides the colour of the process id.

use super::component::Component;
use super::style::{
    BRIGHT_WHITE_ON_RED, Style, WHITE_ON_AMBER, WHITE_ON_BLUE, WHITE_ON_CYAN, WHITE_ON_GREEN, WHITE_ON_RED,
};

/// The classes of the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Success,
    Failure,
    /// Also metrics.
    Action,
    Health,
    /// What an emitter says that is none of the others.
    Emitter,
}

impl Class {
    /// The style of the process id, said by `component`: most components have one of their own for everything.
    pub(super) fn style(self, component: Option<Component>) -> Style {
        if let Some(style) = component.and_then(Component::own_style) {
            return style;
        }
        match self {
            Self::Success if component == Some(Component::EmitterWorker) => WHITE_ON_BLUE,
            Self::Success => WHITE_ON_GREEN,
            Self::Failure => WHITE_ON_RED,
            Self::Action => WHITE_ON_AMBER,
            Self::Health => WHITE_ON_CYAN,
            Self::Emitter => BRIGHT_WHITE_ON_RED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_escape() {
        for (class, component, escape) in [
            (Class::Success, Some(Component::EmitterSystem), "\x1b[38;5;7;48;5;2m"),
            (Class::Success, Some(Component::EmitterPool), "\x1b[38;5;7;48;5;2m"),
            (Class::Success, Some(Component::EmitterWorker), "\x1b[38;5;7;48;5;4m"),
            (Class::Success, None, "\x1b[38;5;7;48;5;2m"),
            (Class::Failure, Some(Component::EmitterWorker), "\x1b[38;5;7;48;5;1m"),
            (Class::Failure, None, "\x1b[38;5;7;48;5;1m"),
            (Class::Action, None, "\x1b[38;5;7;48;5;214m"),
            (Class::Health, None, "\x1b[38;5;7;48;5;6m"),
            (Class::Emitter, Some(Component::EmitterPool), "\x1b[38;5;15;48;5;1m"),
            (Class::Failure, Some(Component::NodeMonitor), "\x1b[38;5;3;48;5;5m"),
            (
                Class::Success,
                Some(Component::PersistenceWorker),
                "\x1b[38;5;4;48;5;3m",
            ),
            (Class::Success, Some(Component::Store), "\x1b[38;5;0;48;5;2m"),
            (Class::Success, Some(Component::PubSub), "\x1b[38;5;0;48;5;6m"),
            (
                Class::Success,
                Some(Component::SubscriptionHealthTracker),
                "\x1b[38;5;2;48;5;0m",
            ),
            (Class::Success, Some(Component::LeaderWorker), "\x1b[38;5;0;48;5;5m"),
            (Class::Success, Some(Component::GaterApp), "\x1b[38;5;4;48;5;0m"),
            (Class::Success, Some(Component::GaterSystem), "\x1b[38;5;5;48;5;0m"),
            (Class::Success, Some(Component::GaterApi), "\x1b[38;5;2;48;5;0m"),
            (Class::Success, Some(Component::ClusterMonitor), "\x1b[38;5;6;48;5;0m"),
        ] {
            let painted = class.style(component).paint("x");
            assert_eq!(painted, format!("{escape}x\x1b[0m"), "{class:?} {component:?}");
        }
    }
}
