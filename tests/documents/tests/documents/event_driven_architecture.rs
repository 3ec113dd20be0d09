//! "ExESDB PubSub Architecture and Event-Driven Design".

mod architecture_components;
mod best_practices;
mod configuration;
mod enhanced_emitter_worker_system;
mod event_driven_architecture_benefits;
mod implementation_details;
mod monitoring_and_debugging;
