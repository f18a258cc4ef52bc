//! Users of a tenant.

use super::{
    EventNumber, FieldError, TenantId, Timestamp, UserId, login_name, text_enum::text_enum,
};

text_enum! {
    /// What a user may do to its tenant.
    pub enum Role {
        /// Everything, in every tenant; only in tenant `system`.
        Operator = "operator",
        /// Everything in the own tenant.
        TenantAdmin = "tenant_admin",
        /// Reads everything in the own tenant.
        TenantAuditor = "tenant_auditor",
        /// Reads the own tenant and ends its sessions.
        Support = "support",
    }
}

text_enum! {
    /// Whether a user may sign in.
    pub enum UserStatus {
        /// It may.
        Active = "active",
        /// It may not, and has no session.
        Disabled = "disabled",
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Its identifier, the `sub` of its tokens.
    pub id: UserId,
    /// The name it signs in with; compared in its prepared form (RFC 8265).
    pub username: String,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Whether that address was shown to be its own.
    pub email_verified: bool,
    /// Its name for people.
    pub name: Option<String>,
    /// The bcrypt hash of its peppered password.
    pub password_hash: Option<String>,
    /// What it may do to the tenant.
    pub roles: Vec<Role>,
    /// Whether it may sign in.
    pub status: UserStatus,
    /// Raised by each change: what two people change at once, one of them is told.
    pub version: i64,
    /// The event that last ended everything it had.
    pub ended_seq: EventNumber,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// Whether it may sign in.
    pub fn is_active(&self) -> bool {
        self.status == UserStatus::Active
    }

    /// The form in which user names and addresses are compared (RFC 8265 §3.3).
    pub fn key(text: &str) -> String {
        login_name::key(text)
    }

    /// Checks name, address and roles; `system` says whether the tenant is the operators'.
    ///
    /// # Errors
    /// The first field at fault.
    pub fn check(&self, system: bool) -> Result<(), FieldError> {
        let printable = |text: &str| !text.chars().any(char::is_control);
        let username = self.username.trim();
        if username.is_empty() || username.len() > 200 || !printable(username) {
            return Err(FieldError::new("username", "1 to 200 bytes, no control characters"));
        }
        login_name::check(username).map_err(|why| FieldError::new("username", why))?;
        if let Some(email) = &self.email {
            let parts = email.split_once('@');
            let fits = email.len() <= 254
                && printable(email)
                && !email.contains(char::is_whitespace)
                && parts.is_some_and(|(local, host)| {
                    !local.is_empty() && !host.is_empty() && !host.contains('@')
                });
            if !fits {
                return Err(FieldError::new("email", "an address like ada@acme.example"));
            }
            login_name::check(email).map_err(|why| FieldError::new("email", why))?;
        }
        if self.name.as_ref().is_some_and(|name| name.len() > 200 || !printable(name)) {
            return Err(FieldError::new("name", "at most 200 bytes, no control characters"));
        }
        if self.roles.contains(&Role::Operator) && !system {
            return Err(FieldError::new("roles", "operator exists in tenant system alone"));
        }
        Ok(())
    }
}
