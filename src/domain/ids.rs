//! Identifiers, one type each so that one cannot stand in for another. New ones come of
//! [`Effects::id`](crate::effects::Effects::id).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The sixteen bytes.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The identifier with these sixteen bytes.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    };
}

id!(
    /// A tenant. Never reused: a slug that is made anew gets a new one.
    TenantId
);
id!(
    /// A user; the `sub` of its tokens.
    UserId
);
id!(
    /// A session; the `sid` of its tokens.
    SessionId
);
id!(
    /// A client secret.
    SecretId
);
id!(
    /// An entry of the audit trail.
    AuditId
);
id!(
    /// A run of the server: a node that starts again is another one.
    NodeId
);
id!(
    /// A grant and the family of refresh tokens that descends from it.
    FamilyId
);
