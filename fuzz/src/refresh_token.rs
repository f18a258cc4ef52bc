//! Refresh tokens: a text as a client sends it, and a token that was sealed and then changed.

use std::sync::{Arc, LazyLock};

use portcullis::{
    domain::{FamilyId, TenantId},
    effects::Effects,
    keys::{Keystore, MasterKey, RefreshToken},
    storage::{Pool, Storage},
};

/// One master key for every run, so that what was found once is found again. No token asks the database.
static KEYS: LazyLock<Keystore> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    std::fs::write(&path, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n").unwrap();
    let master = MasterKey::load_or_create(&path, &Effects::system()).unwrap();
    let url = format!("sqlite:{}", folder.path().join("portcullis.db").display());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let pool = runtime.block_on(Pool::open(&url, 1)).unwrap();
    Keystore::new(master, Storage::new(pool), Arc::default())
});

/// Opens the text; then seals what its bytes say, and opens that changed in one character.
pub fn check(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        check_text(text, TenantId::from_bytes([1; 16]));
    }
    let Some((&[at, put], rest)) = data.split_first_chunk::<2>() else { return };
    let Some((tenant, rest)) = rest.split_first_chunk::<16>() else { return };
    let Some((family, rest)) = rest.split_first_chunk::<16>() else { return };
    let Some(generation) = rest.first_chunk::<4>() else { return };
    let tenant = TenantId::from_bytes(*tenant);
    let token = RefreshToken {
        family: FamilyId::from_bytes(*family),
        generation: u32::from_be_bytes(*generation),
    };
    let text = token.seal(&KEYS, tenant);
    assert_eq!(text.len(), 75);
    assert_eq!(RefreshToken::open(&text, &KEYS, tenant), Some(token));
    let mut other = *tenant.as_bytes();
    other[usize::from(at) % 16] ^= put.max(1);
    assert_eq!(
        RefreshToken::open(&text, &KEYS, TenantId::from_bytes(other)),
        None,
        "a tenant's is another's"
    );
    let mut changed: Vec<char> = text.chars().collect();
    changed[usize::from(at) % 75] = char::from(put);
    let changed: String = changed.into_iter().collect();
    if changed != text {
        assert_eq!(
            RefreshToken::open(&changed, &KEYS, tenant),
            None,
            "a changed one is good: {changed}"
        );
    }
    for longer in [format!("{text}="), format!("{text}A"), format!(" {text}"), format!("{text}\n")]
    {
        assert_eq!(RefreshToken::open(&longer, &KEYS, tenant), None, "{longer:?}");
    }
}

/// There is one way to write each token.
fn check_text(text: &str, tenant: TenantId) {
    if let Some(token) = RefreshToken::open(text, &KEYS, tenant) {
        assert_eq!(token.seal(&KEYS, tenant), text);
    }
}
