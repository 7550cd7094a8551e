//! Why a server's certificate is not accepted, in words.

use std::{error::Error, io};

use rustls::CertificateError;

/// The reason, if that is why a connection failed: TLS tells it through the system's own kind of error.
pub(crate) fn certificate_refusal<'error>(error: &'error (dyn Error + 'static)) -> Option<&'error CertificateError> {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match inner.and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(reason)) => Some(reason),
        _ => None,
    }
}

/// The words, with the names of the server, for who has to look at its certificate.
pub(crate) fn words_with_names(reason: &CertificateError) -> String {
    match reason {
        CertificateError::Other(_) => words(reason),
        reason => reason.to_string(),
    }
}

/// The words, which do not say what the server is called.
pub(crate) fn words(reason: &CertificateError) -> String {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, Other, UnknownIssuer,
    };
    match reason {
        Expired | ExpiredContext { .. } => "it has expired".to_owned(),
        NotValidYet | NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        NotValidForName | NotValidForNameContext { .. } => "it is of another host".to_owned(),
        // A signature is bad when an unknown authority has the name of a known one.
        UnknownIssuer | BadSignature => "it is of no authority that is trusted".to_owned(),
        Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "it is an authority's own: have the authority issue one for the server (CA:FALSE)".to_owned()
        }
        reason => format!("{reason:?}"),
    }
}
