//! Files that a program shares: the object that it holds, and whoever goes through the file meanwhile.

use super::{Kind, TorchFile};
use std::cell::{RefCell, RefMut};
use std::rc::{Rc, Weak};

thread_local! {
    static OPEN: RefCell<Vec<Weak<RefCell<TorchFile>>>> = const { RefCell::new(vec![]) };
}

/// A file with as many owners as there are clones of it.
#[derive(Clone, Debug)]
pub struct FileHandle(Rc<RefCell<TorchFile>>);

impl FileHandle {
    /// A first owner of a file.
    pub fn new(file: TorchFile) -> FileHandle {
        let handle = FileHandle(Rc::new(RefCell::new(file)));
        OPEN.with_borrow_mut(|open| {
            open.retain(|f| f.strong_count() > 0);
            open.push(Rc::downgrade(&handle.0));
        });
        handle
    }

    /// The file, for one call on it.
    pub fn file(&self) -> RefMut<'_, TorchFile> {
        self.0.borrow_mut()
    }

    /// What kind of file it is.
    pub fn kind(&self) -> Kind {
        self.0.borrow().kind()
    }
}

/// Hands to the system what the open files of this thread hold back. What fails now would have failed later: nobody is
/// left to be told.
pub fn synchronize_all() {
    let open: Vec<_> = OPEN.with_borrow(|open| open.iter().filter_map(Weak::upgrade).collect());
    for file in open {
        if let Ok(mut file) = file.try_borrow_mut() {
            let _ = file.synchronize();
        }
    }
}
