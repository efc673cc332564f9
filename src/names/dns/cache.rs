//! What was answered lately, for as long as the answer says that it is good. Of a bounded size; a slot
//! is read while another thread replaces it, and nobody waits.

use super::query::Answer;
use super::record::RecordType;
use crate::shared::Shared;
use crate::sys::{self, process};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An answer may stand in so many slots.
const WAYS: usize = 4;
const SETS: usize = 256;

/// Larger responses are not kept.
const LARGEST: usize = 4096;

static SLOTS: [Shared<Entry>; WAYS * SETS] = [const { Shared::empty() }; WAYS * SETS];

/// What a name hashes to differs between processes, so that nobody can choose names that drive others
/// out.
static SEED: AtomicU64 = AtomicU64::new(0);

/// For so many nanoseconds answers are kept when they are no longer good.
static STALE: AtomicU64 = AtomicU64::new(0);

/// A question as it was answered: by the configuration of that number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    generation: u64,
    name: String,
    record_type: RecordType,
}

struct Entry {
    key: Key,
    /// `Err` tells that there is no such name, or no such record.
    outcome: Cached,
    expires: u64,
}

/// A cached answer, or what there is not.
pub type Cached = std::result::Result<Arc<Answer>, Absent>;

/// What the answer says that there is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// No such name.
    Name,
    /// No record of the type.
    Record,
}

impl Key {
    /// The key of a question.
    pub fn new(generation: u64, name: &str, record_type: RecordType) -> Key {
        Key { generation, name: name.to_ascii_lowercase(), record_type }
    }

    fn slots(&self) -> &'static [Shared<Entry>] {
        let mut hasher = DefaultHasher::new();
        (seed(), self).hash(&mut hasher);
        let set = hasher.finish() as usize % SETS;
        SLOTS.get(set * WAYS..(set + 1) * WAYS).unwrap_or_default()
    }
}

fn seed() -> u64 {
    match SEED.load(Ordering::Relaxed) {
        0 => {
            let seed = process::random_bits() | 1;
            match SEED.compare_exchange(0, seed, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => seed,
                Err(first) => first,
            }
        }
        seed => seed,
    }
}

/// Seconds that answers may be handed out for after their time, where nobody gives a new one.
pub fn stale_seconds() -> u64 {
    STALE.load(Ordering::Relaxed) / 1_000_000_000
}

/// Sets them.
pub fn set_stale_seconds(seconds: u64) {
    STALE.store(seconds.saturating_mul(1_000_000_000), Ordering::Relaxed);
}

/// What is known, where it is good; with `stale` also where it was good lately.
pub fn look_up(key: &Key, stale: bool) -> Option<Cached> {
    let more = if stale { STALE.load(Ordering::Relaxed) } else { 0 };
    let now = sys::now_with_sleep();
    let entry = key.slots().iter().filter_map(Shared::get).find(|entry| entry.key == *key)?;
    let good = entry.expires.saturating_add(more) > now && (entry.outcome.is_ok() || entry.expires > now);
    good.then(|| entry.outcome.clone())
}

/// Keeps what was answered.
pub fn store(key: Key, outcome: Cached, expires: u64) {
    let now = sys::now_with_sleep();
    if expires <= now || outcome.as_ref().is_ok_and(|answer| answer.response.size > LARGEST) {
        return;
    }
    let slots = key.slots();
    // The slot of the same question, or an empty one, or that which is worth least.
    let worth = |slot: &&Shared<Entry>| match slot.get() {
        None => 1,
        Some(entry) if entry.key == key => 0,
        Some(entry) if entry.key.generation != key.generation => 2,
        Some(entry) => entry.expires,
    };
    if let Some(slot) = slots.iter().min_by_key(worth) {
        slot.set(Some(Arc::new(Entry { key, outcome, expires })));
    }
}

/// Forgets everything.
pub fn clear() {
    SLOTS.iter().for_each(|slot| slot.set(None));
}
