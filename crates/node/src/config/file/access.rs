//! The tables `access` and `limits` of a file.

use crate::config::access::{AccessLayer, LimitsLayer, PrincipalLayer, limit_key};
use crate::config::error::ConfigError;
use crate::config::layer::Layer;

use super::hints;
use super::source::{Entry, Source};

const ACCESS_TABLE: &str = "a table, [access] with settings below it";
const PRINCIPAL_TABLES: &str = "a list of tables, [[access.principals]] with settings below each";
const LIMITS_TABLE: &str = "a table, [limits] with settings below it";
const IDS: &str = "a list of numbers, [1000, 1001]";

impl Layer {
    pub(super) fn take_access(&mut self, source: &Source<'_>, table: &Entry<'_>) -> Result<(), ConfigError> {
        let mut layer = AccessLayer::default();
        for entry in source.entries(table.table(ACCESS_TABLE)?, "access.") {
            match entry.key {
                "anonymous" => layer.anonymous = Some(self.take_texts(source, &entry)?),
                "revoked_tokens" => layer.revoked_tokens = Some(entry.text()?.into()),
                "principals" => {
                    for (index, element) in entry.list(PRINCIPAL_TABLES)?.iter().enumerate() {
                        let element = source.element(&entry, index, element);
                        layer.principals.push(self.take_principal(source, &element)?);
                        self.origins.insert(element.path, element.origin);
                    }
                }
                _ => return Err(source.unknown_key(&entry, hints::in_access(entry.key))),
            }
            self.origins.insert(entry.path, entry.origin);
        }
        self.access = Some(layer);
        Ok(())
    }

    fn take_principal(&mut self, source: &Source<'_>, table: &Entry<'_>) -> Result<PrincipalLayer, ConfigError> {
        let mut layer = PrincipalLayer::default();
        for entry in source.entries(table.table(PRINCIPAL_TABLES)?, &format!("{}.", table.path)) {
            match entry.key {
                "name" => layer.name = Some(entry.text()?),
                "uid" => layer.uid = self.take_ids(source, &entry)?,
                "gid" => layer.gid = self.take_ids(source, &entry)?,
                "look" => layer.look = Some(entry.flag()?),
                "administer" => layer.administer = Some(entry.flag()?),
                "limits" => {
                    let prefix = format!("{}.", entry.path);
                    for entry in source.entries(entry.table(LIMITS_TABLE)?, &prefix) {
                        if !layer.limits.insert(entry.key, entry.number()?) {
                            let hint = hints::in_limits("access.principals.limits.", entry.key);
                            return Err(source.unknown_key(&entry, hint));
                        }
                        self.origins.insert(entry.path, entry.origin);
                    }
                }
                key => match layer.permissions_mut(key) {
                    Some(place) => *place = self.take_texts(source, &entry)?,
                    None => return Err(source.unknown_key(&entry, hints::in_principal(key))),
                },
            }
            self.origins.insert(entry.path, entry.origin);
        }
        Ok(layer)
    }

    fn take_ids(&mut self, source: &Source<'_>, list: &Entry<'_>) -> Result<Vec<u64>, ConfigError> {
        let mut ids = Vec::new();
        for (index, element) in list.list(IDS)?.iter().enumerate() {
            let element = source.element(list, index, element);
            ids.push(element.number()?);
            self.origins.insert(element.path, element.origin);
        }
        Ok(ids)
    }

    pub(super) fn take_limits(&mut self, source: &Source<'_>, table: &Entry<'_>) -> Result<(), ConfigError> {
        let mut layer = LimitsLayer::default();
        for entry in source.entries(table.table(LIMITS_TABLE)?, "limits.") {
            if !layer.insert(entry.key, entry.number()?) {
                return Err(source.unknown_key(&entry, hints::in_limits("limits.", entry.key)));
            }
            self.origins.insert(limit_key(entry.key), entry.origin);
        }
        self.limits = layer;
        Ok(())
    }
}
