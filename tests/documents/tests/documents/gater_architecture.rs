//! "ExESDB Gater PubSub Architecture".

mod architecture_benefits;

mod pub_sub_instances;

mod consumer_patterns;

mod implementation_details;

mod monitoring_and_observability;

mod best_practices;

mod testing;

mod example_events;
