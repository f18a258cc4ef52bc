//! What holds for any input.

use portcullis::{
    domain::RedirectUri,
    protocol::{Params, Scope},
};
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_scope_that_parses_is_written_and_read_alike(text in "[!#-\\[\\]-~ ]{0,60}") {
        if let Ok(scope) = text.parse::<Scope>() {
            prop_assert_eq!(scope.to_string().parse::<Scope>().unwrap(), scope);
        }
    }

    #[test]
    fn no_bytes_make_the_parameter_reader_panic_and_what_it_reads_survives_a_round_trip(bytes: Vec<u8>) {
        if let Ok(params) = Params::parse(&bytes) {
            prop_assert_eq!(Params::parse(params.to_query().as_bytes()).unwrap(), params);
        }
    }

    #[test]
    fn a_redirect_uri_matches_another_text_only_in_the_port_of_a_loopback_literal(tail in "\\PC{0,12}", port in 1u16..) {
        let registered = "http://127.0.0.1/cb";
        let presented = format!("http://127.0.0.1:{port}/cb{tail}");
        prop_assert_eq!(registered.parse::<RedirectUri>().unwrap().matches(&presented), tail.is_empty() && port != 80);
        let other = "https://app.example/cb";
        let longer = format!("https://app.example/cb{tail}");
        prop_assert_eq!(other.parse::<RedirectUri>().unwrap().matches(&longer), tail.is_empty());
    }

    #[test]
    fn no_text_makes_the_redirect_uri_check_panic(text in "\\PC{0,40}") {
        let _ = text.parse::<RedirectUri>();
    }
}
