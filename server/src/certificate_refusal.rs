//! Why a server's certificate is not accepted, in words.

use std::{error::Error, io};

use rustls::CertificateError;

/// The reason, if that is why a connection failed.
pub(crate) fn certificate_refusal<'error>(error: &'error (dyn Error + 'static)) -> Option<&'error CertificateError> {
    match of_encryption(error) {
        Some(rustls::Error::InvalidCertificate(reason)) => Some(reason),
        _ => None,
    }
}

/// TLS tells it by itself, or through the system's own kind of error, in as many wraps as there are layers.
fn of_encryption<'error>(error: &'error (dyn Error + 'static)) -> Option<&'error rustls::Error> {
    error.downcast_ref().or_else(|| of_encryption(error.downcast_ref::<io::Error>()?.get_ref()?))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_found_in_however_many_wraps() {
        let refused = || rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let once = io::Error::new(io::ErrorKind::InvalidData, refused());
        let twice = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, refused()));
        let errors: [&(dyn Error + 'static); 3] = [&refused(), &once, &twice];
        for error in errors {
            assert_eq!(certificate_refusal(error), Some(&CertificateError::UnknownIssuer), "{error:?}");
        }
        assert_eq!(certificate_refusal(&io::Error::other(io::Error::from(io::ErrorKind::ConnectionReset))), None);
    }
}
