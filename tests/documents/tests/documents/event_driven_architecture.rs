//! "ExESDB PubSub Architecture and Event-Driven Design".

mod architecture_components;

mod enhanced_emitter_worker_system;

mod event_driven_architecture_benefits;

mod implementation_details;

mod configuration;

mod best_practices;

mod monitoring_and_debugging;
