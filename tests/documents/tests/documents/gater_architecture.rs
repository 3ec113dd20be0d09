//! "ExESDB Gater PubSub Architecture".

mod architecture_benefits;
mod best_practices;
mod consumer_patterns;
mod example_events;
mod implementation_details;
mod monitoring_and_observability;
mod pub_sub_instances;
mod testing;
