//! Phoenix channels, serializer V2, spoken to programs on the host and to browsers.
