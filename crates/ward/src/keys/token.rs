//! A key-encryption key inside a PKCS#11 token (OASIS PKCS #11 2.40 and later): AES-256, sensitive, never extractable. The token
//! encrypts and decrypts (CKM_AES_GCM); Ward sees neither the key nor a copy of it.

use super::{IfMissing, KeyError};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::{AuthPin, Ulong};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use trust::seal::{KekHint, KeyEncryptionKey, NONCE_BYTES, SealError, Secret32};
use zeroize::Zeroizing;

/// Bits of the tag.
const TAG_BITS: Ulong = Ulong::new(128);
/// Bytes of the key.
const KEY_BYTES: Ulong = Ulong::new(32);
/// Who a key is: the first bytes of 16 zero bytes encrypted under this nonce, which nothing else uses.
const CHECK_NONCE: [u8; NONCE_BYTES] = *b"ward kek id1";
const CHECK_BYTES: usize = 8;
/// Longest text of a library in a message, in characters.
const WHY_CHARACTERS_MAX: usize = 200;
/// Most labels that a message lists.
const LABELS_MAX: usize = 8;

/// A key in a token, logged in for as long as this lives.
pub(super) struct TokenKek {
    session: Mutex<Session>,
    key: ObjectHandle,
    id: String,
    token: String,
    hint: KekHint,
}

impl TokenKek {
    /// Finds token and key by their labels. Errors: the library, the token, the PIN, the key, each in its own words.
    pub(super) fn open(
        module: &Path,
        token: &str,
        key: &str,
        pin: &[u8],
        if_missing: IfMissing,
    ) -> Result<Self, KeyError> {
        let library = start(module)?;
        let slot = slot(&library, token)?;
        let session = log_in(&library, slot, token, pin, if_missing)?;
        let handle = match find(&session, token, key)? {
            None if if_missing == IfMissing::Create => generate(&session, token, key)?,
            None => return Err(no_key(token, key, 0)),
            Some(handle) => handle,
        };
        check_fitness(&session, handle, token, key)?;
        let id = check_value(&session, handle).map_err(failed(token, "encrypting with AES-GCM"))?;
        let hint = KekHint::Pkcs11 { token: token.to_owned(), key: key.to_owned() };
        Ok(Self { session: Mutex::new(session), key: handle, id, token: token.to_owned(), hint })
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self, doing: &str, error: &Error) -> SealError {
        SealError::Kek {
            id: self.id.clone(),
            what: format!("token {:?}: {doing} failed: {}", self.token, why(error)),
        }
    }
}

impl KeyEncryptionKey for TokenKek {
    fn id(&self) -> &str {
        &self.id
    }

    fn hint(&self) -> &KekHint {
        &self.hint
    }

    fn wrap(&self, key: &Secret32, context: &[u8], nonce: [u8; NONCE_BYTES]) -> Result<Vec<u8>, SealError> {
        let sealed = encrypt(&self.session(), self.key, nonce, context, key.expose());
        let sealed = sealed.map_err(|error| self.trouble("encrypting", &error))?;
        Ok([&nonce[..], &sealed].concat())
    }

    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<Secret32, SealError> {
        let refused = SealError::WrappedKey { belongs: "key or purpose" };
        let Some((nonce, sealed)) = wrapped.split_first_chunk::<NONCE_BYTES>() else { return Err(refused) };
        let session = self.session();
        match decrypt(&session, self.key, *nonce, context, sealed).map(Zeroizing::new) {
            Ok(opened) => {
                let mut key = Zeroizing::new([0; 32]);
                if opened.len() != key.len() {
                    return Err(refused);
                }
                key.copy_from_slice(&opened);
                Ok(Secret32::take(&mut key))
            }
            // Libraries do not agree on the code for a tag that does not fit. If the key still works, it was the tag.
            Err(error) => match check_value(&session, self.key) {
                Ok(id) if id == self.id => Err(refused),
                _ => Err(self.trouble("decrypting", &error)),
            },
        }
    }
}

fn start(module: &Path) -> Result<Pkcs11, KeyError> {
    let told = |error: Error| KeyError::TokenModule { module: module.to_owned(), why: why(&error) };
    let library = Pkcs11::new(module).map_err(told)?;
    match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // Another token of the same library is open; that is what the count in the library is for.
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(library),
        Err(error) => Err(told(error)),
    }
}

fn slot(library: &Pkcs11, token: &str) -> Result<Slot, KeyError> {
    let slots = library.get_slots_with_token().map_err(failed(token, "listing tokens"))?;
    let mut labels = Vec::new();
    for slot in slots {
        if let Ok(info) = library.get_token_info(slot).as_ref().map(|info| info.label().trim_end().to_owned())
        {
            labels.push((slot, info));
        }
    }
    let mut named = labels.iter().filter(|(_, label)| label == token);
    match (named.next(), named.count()) {
        (Some((slot, _)), 0) => Ok(*slot),
        (first, more) => {
            let existing: Vec<String> =
                labels.iter().take(LABELS_MAX).map(|(_, label)| format!("{label:?}")).collect();
            let existing = if existing.is_empty() { "none".to_owned() } else { existing.join(", ") };
            Err(KeyError::NoToken {
                token: token.to_owned(),
                found: usize::from(first.is_some()) + more,
                existing,
            })
        }
    }
}

fn log_in(
    library: &Pkcs11,
    slot: Slot,
    token: &str,
    pin: &[u8],
    if_missing: IfMissing,
) -> Result<Session, KeyError> {
    let session = match if_missing {
        IfMissing::Create => library.open_rw_session(slot),
        IfMissing::Refuse => library.open_ro_session(slot),
    };
    let session = session.map_err(failed(token, "opening a session"))?;
    let refused = |why: String| KeyError::TokenPin { token: token.to_owned(), why };
    let pin = std::str::from_utf8(pin).map_err(|_| refused("it is not UTF-8".to_owned()))?;
    match session.login(UserType::User, Some(&AuthPin::new(pin.into()))) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
        Err(Error::Pkcs11(code, _)) => match code {
            RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => {
                Err(refused("it is wrong".to_owned()))
            }
            RvError::PinLocked => Err(refused(
                "it is locked after too many wrong ones; the security officer resets it".to_owned(),
            )),
            RvError::PinExpired => Err(refused("it has expired".to_owned())),
            RvError::UserPinNotInitialized => Err(refused("the token has no user PIN yet".to_owned())),
            other => Err(KeyError::TokenFailed {
                token: token.to_owned(),
                doing: "logging in",
                why: cap(&other.to_string()),
            }),
        },
        Err(error) => Err(failed(token, "logging in")(error)),
    }
}

fn find(session: &Session, token: &str, key: &str) -> Result<Option<ObjectHandle>, KeyError> {
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Label(key.into()),
    ];
    let found = session.find_objects(&template).map_err(failed(token, "looking for the key"))?;
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        more => Err(no_key(token, key, more.len())),
    }
}

fn no_key(token: &str, key: &str, found: usize) -> KeyError {
    KeyError::NoTokenKey { token: token.to_owned(), key: key.to_owned(), found }
}

fn generate(session: &Session, token: &str, key: &str) -> Result<ObjectHandle, KeyError> {
    let template = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
        Attribute::ValueLen(KEY_BYTES),
        Attribute::Label(key.into()),
    ];
    session.generate_key(&Mechanism::AesKeyGen, &template).map_err(failed(token, "generating the key"))
}

/// A key that can leave the token, or is too short, is refused, whoever made it.
fn check_fitness(session: &Session, handle: ObjectHandle, token: &str, key: &str) -> Result<(), KeyError> {
    let asked = [AttributeType::Extractable, AttributeType::Sensitive, AttributeType::ValueLen];
    let told = session.get_attributes(handle, &asked).map_err(failed(token, "examining the key"))?;
    let unfit = |why| Err(KeyError::TokenKeyUnfit { token: token.to_owned(), key: key.to_owned(), why });
    if !told.iter().any(|attribute| matches!(attribute, Attribute::Extractable(false))) {
        return unfit("it can leave the token (CKA_EXTRACTABLE)");
    }
    if !told.iter().any(|attribute| matches!(attribute, Attribute::Sensitive(true))) {
        return unfit("it can be read (not CKA_SENSITIVE)");
    }
    let short =
        told.iter().any(|attribute| matches!(attribute, Attribute::ValueLen(length) if *length != KEY_BYTES));
    if short { unfit("it is no AES-256 key") } else { Ok(()) }
}

/// 16 hexadecimal digits that only this key gives.
fn check_value(session: &Session, key: ObjectHandle) -> Result<String, Error> {
    let sealed = encrypt(session, key, CHECK_NONCE, b"ward kek id 1", &[0; 16])?;
    Ok(sealed.iter().take(CHECK_BYTES).map(|byte| format!("{byte:02x}")).collect())
}

fn encrypt(
    session: &Session,
    key: ObjectHandle,
    mut nonce: [u8; NONCE_BYTES],
    context: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    let parameters = GcmParams::new(&mut nonce, context, TAG_BITS)?;
    session.encrypt(&Mechanism::AesGcm(parameters), key, plaintext)
}

fn decrypt(
    session: &Session,
    key: ObjectHandle,
    mut nonce: [u8; NONCE_BYTES],
    context: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, Error> {
    let parameters = GcmParams::new(&mut nonce, context, TAG_BITS)?;
    session.decrypt(&Mechanism::AesGcm(parameters), key, sealed)
}

fn failed(token: &str, doing: &'static str) -> impl FnOnce(Error) -> KeyError {
    move |error| KeyError::TokenFailed { token: token.to_owned(), doing, why: why(&error) }
}

fn why(error: &Error) -> String {
    cap(&error.to_string())
}

fn cap(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(WHY_CHARACTERS_MAX).collect()
}
