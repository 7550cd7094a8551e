//! Why a server's certificate is not accepted, in words.

use std::{error::Error, io};

use rustls::CertificateError;

/// The reason, if that is why a connection failed: TLS tells it as its own kind of error, or in one or more of the system's.
pub(crate) fn certificate_refusal<'error>(error: &'error (dyn Error + 'static)) -> Option<&'error CertificateError> {
    if let Some(told) = error.downcast_ref::<rustls::Error>() {
        return match told {
            rustls::Error::InvalidCertificate(reason) => Some(reason),
            _ => None,
        };
    }
    certificate_refusal(error.downcast_ref::<io::Error>()?.get_ref()?)
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
    use rustls::pki_types::{DnsName, ServerName};

    use super::*;

    #[test]
    fn a_refusal_is_found_however_deep_the_system_has_put_it() {
        let told = || rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let once = io::Error::new(io::ErrorKind::InvalidData, told());
        let twice = io::Error::other(io::Error::other(told()));
        for error in [&told() as &(dyn Error + 'static), &once, &twice] {
            assert_eq!(certificate_refusal(error), Some(&CertificateError::UnknownIssuer), "{error:?}");
        }
        let others: [&(dyn Error + 'static); 3] =
            [&rustls::Error::HandshakeNotComplete, &io::Error::other("cut"), &io::Error::from_raw_os_error(111)];
        for error in others {
            assert_eq!(certificate_refusal(error), None, "{error:?}");
        }
    }

    #[test]
    fn the_words_name_the_server_only_where_they_are_to() {
        let expected = ServerName::DnsName(DnsName::try_from("keys.example").unwrap());
        let other = CertificateError::NotValidForNameContext { expected, presented: vec!["shop.example".to_owned()] };
        assert_eq!(words(&other), "it is of another host");
        assert!(words_with_names(&other).contains("keys.example"));
        assert_eq!(words(&CertificateError::Expired), "it has expired");
    }
}
