//! A program's connection to the node on its host: publish, subscribe, confirm, and resume after the node has restarted.
