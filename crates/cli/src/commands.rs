//! What the program can do, one module per command.

pub(crate) mod acknowledge;
pub(crate) mod alerts;
pub(crate) mod broadcast;
pub(crate) mod catalogue;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod contexts;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod instances;
pub(crate) mod integration;
pub(crate) mod keys;
pub(crate) mod man;
pub(crate) mod members;
pub(crate) mod publish;
pub(crate) mod reload;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod say;
pub(crate) mod secret;
pub(crate) mod start;
pub(crate) mod stop;
pub(crate) mod subscribe;
pub(crate) mod subscribers;
pub(crate) mod thresholds;
pub(crate) mod token;
pub(crate) mod top;
pub(crate) mod trace;
pub(crate) mod validate;

use self::acknowledge::Acknowledge;
use self::alerts::Alerts;
use self::broadcast::Broadcast;
use self::catalogue::Catalogue;
use self::completions::Completions;
use self::config::Settings;
use self::contexts::ContextCommand;
use self::demo::Demo;
use self::doctor::Doctor;
use self::instances::Instances;
use self::integration::Integration;
use self::keys::Keys;
use self::man::Man;
use self::members::Members;
use self::publish::Publish;
use self::reload::Reload;
use self::reply::Reply;
use self::request::Request;
use self::say::Say;
use self::start::Start;
use self::stop::Stop;
use self::subscribe::Subscribe;
use self::subscribers::Subscribers;
use self::thresholds::Thresholds;
use self::token::{NewToken, Revoke, ShowToken};
use self::top::Top;
use self::trace::Trace;
use self::validate::Validate;
use crate::logging;

/// What the user asked for.
#[derive(Debug)]
pub(crate) enum Command {
    Start(Start),
    Demo(Demo),
    Publish(Publish),
    Subscribe(Subscribe),
    Trace(Trace),
    Request(Request),
    Reply(Reply),
    Members(Members),
    Subscribers(Subscribers),
    Instances(Instances),
    Catalogue(Catalogue),
    Validate(Validate),
    Say(Say),
    Broadcast(Broadcast),
    Integration(Integration),
    Alerts(Alerts),
    Acknowledge(Acknowledge),
    Thresholds(Thresholds),
    Reload(Reload),
    Stop(Stop),
    Top(Top),
    Doctor(Box<Doctor>),
    Context(ContextCommand),
    Completions(Box<Completions>),
    Man(Box<Man>),
    NewSecret,
    Keys(Keys),
    NewToken(NewToken),
    ShowToken(ShowToken),
    RevokeToken(Revoke),
    CheckConfig(Settings),
    ShowConfig(Settings),
    ShowExampleConfig,
}

impl Command {
    /// What is logged unless `BELLWETHER_LOG` says otherwise.
    pub(crate) fn default_log_filter(&self) -> &'static str {
        match self {
            Self::Start(_) => logging::OF_A_NODE,
            _ => "warn",
        }
    }
}
