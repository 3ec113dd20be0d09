//! The certificate of the listeners that need one.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

/// PEM, in the folder of the three processes: what the listeners show, and what the others trust.
pub(crate) const CERTIFICATE: &str = "certificate.pem";
/// PEM, beside it.
pub(crate) const KEY: &str = "key.pem";

/// Makes one for this host's loopback address.
pub(crate) fn write(folder: &Path) -> anyhow::Result<()> {
    let name = IpAddr::from(Ipv4Addr::LOCALHOST).to_string();
    let made = rcgen::generate_simple_self_signed([name])?;
    fs::write(folder.join(CERTIFICATE), made.cert.pem())?;
    fs::write(folder.join(KEY), made.signing_key.serialize_pem())?;
    Ok(())
}
