// The ten instances, and groups of them.

export const ALL = ['events', 'system', 'health', 'metrics', 'lifecycle', 'alerts', 'audit', 'diagnostics', 'security', 'logging'];
/** Few messages: to look at the page costs the mesh next to nothing. */
export const SIGNALS = ['alerts', 'lifecycle', 'security', 'audit'];
/** Only who is allowed them by name may receive them: a group of instances does without. */
export const PRIVATE = ['security', 'audit'];

export const withoutPrivate = (names) => names.filter((name) => !PRIVATE.includes(name));
