//! The RFCs' wire types: parameters, errors, scope, PKCE, claims, metadata.

mod authorization;
mod claims;
mod description;
mod error;
mod metadata;
mod numeric_date;
mod params;
mod pkce;
mod scope;
mod token;

pub use authorization::{AuthorizationRequest, Prompt, ResponseMode};
pub use claims::{AccessTokenClaims, Audience, IdTokenClaims, UserClaims};
pub use description::ErrorDescription;
pub use error::{ErrorCode, OauthError};
pub use metadata::ServerMetadata;
pub use numeric_date::NumericDate;
pub use params::{Params, is_storable};
pub use pkce::CodeChallenge;
pub use scope::Scope;
pub use token::{IntrospectionResponse, TokenResponse};
