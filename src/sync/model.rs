//! Running a model, its threads and their locals.
//!
//! loom's own thread locals go all at once, and after whoever joins the thread was told that it has
//! ended. Here they go as std's do: before that, and only those that have a destructor.

use loom::thread::{self, JoinHandle, ThreadId};
use std::any::Any;
use std::cell::Cell;
use std::mem::needs_drop;
use std::rc::Rc;
use std::sync::Mutex;

struct Local {
    thread: ThreadId,
    key: usize,
    has_destructor: bool,
    value: Rc<dyn Any>,
}

loom::lazy_static! {
    // Each thread looks at its own values only: there is nothing for loom to explore.
    static ref LOCALS: Mutex<Vec<Local>> = Mutex::new(Vec::new());
}

/// Explores a model. So many times at most does a thread lose the processor where it could go on;
/// what needs more of them to go wrong is seen by `LOOM_MAX_PREEMPTIONS=N make check-loom`, in hours.
pub fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.max_branches = 10_000;
    builder.check(move || {
        model();
        end_thread();
    });
}

/// Starts a thread of a model.
pub fn spawn(body: impl FnOnce() + 'static) -> JoinHandle<()> {
    thread::spawn(|| {
        body();
        end_thread();
    })
}

/// Runs the destructors of this thread's locals.
fn end_thread() {
    let me = thread::current().id();
    loop {
        let mut locals = LOCALS.lock().unwrap();
        let Some(index) = locals.iter().position(|local| local.thread == me && local.has_destructor) else {
            return;
        };
        let local = locals.remove(index);
        drop(locals);
        drop(local);
    }
}

/// Stands for `std::thread::LocalKey`.
pub struct LocalKey<T: 'static> {
    pub initial: fn() -> T,
}

impl<T: 'static> LocalKey<T> {
    fn with<R>(&'static self, body: impl FnOnce(&T) -> R) -> R {
        let thread = thread::current().id();
        let key = std::ptr::from_ref(self).addr();
        let mut locals = LOCALS.lock().unwrap();
        let known = locals.iter().find(|local| local.thread == thread && local.key == key);
        let value = known.map(|local| local.value.clone()).unwrap_or_else(|| {
            let value: Rc<dyn Any> = Rc::new((self.initial)());
            let has_destructor = needs_drop::<T>();
            locals.push(Local { thread, key, has_destructor, value: value.clone() });
            value
        });
        drop(locals);
        body(value.downcast_ref().unwrap())
    }

    pub fn try_with<R>(&'static self, body: impl FnOnce(&T) -> R) -> Result<R, thread::AccessError> {
        Ok(self.with(body))
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }
}
