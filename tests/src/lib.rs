//! What the whole-mesh tests share.
