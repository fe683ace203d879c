//! Ctrl-C: what runs is asked to stop, and does so at the end of the kernel that runs, or at Lua's next instruction.

use super::fail;
use crate::tensor::interruption;
use mlua::Lua;
use mlua::ffi::{self, lua_State};
use std::os::raw::c_int;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering::Relaxed};

/// The state whose programs are stopped.
static STATE: AtomicPtr<lua_State> = AtomicPtr::new(std::ptr::null_mut());
/// The signals since the program began that runs.
static SIGNALS: AtomicU32 = AtomicU32::new(0);
/// Whether there is nothing that a signal could stop.
static IDLE: AtomicBool = AtomicBool::new(false);
/// The hook that was there before ours: of the allocator, or of the program.
static BEFORE: Mutex<Option<Hook>> = Mutex::new(None);

type Hook = (Option<ffi::lua_Hook>, c_int, c_int);

/// Forgets the signals so far: a program begins.
pub fn begin() {
    interruption::take();
    SIGNALS.store(0, Relaxed);
    IDLE.store(false, Relaxed);
}

/// The program is done: signals mean nothing until the next one begins.
pub fn end() {
    IDLE.store(true, Relaxed);
}

/// Whether the program that runs is to stop. It does so at Lua's next instruction; what waits in Rust has to ask.
pub fn interrupted() -> bool {
    interruption::asked()
}

/// The hook that stops a program, and takes itself away.
unsafe extern "C-unwind" fn stop(l: *mut lua_State, _: *mut ffi::lua_Debug) {
    // SAFETY: called by Lua between two instructions, where an error may be raised; nothing with a destructor is alive then.
    unsafe {
        let (hook, mask, count) = BEFORE.lock().ok().and_then(|mut b| b.take()).unwrap_or((None, 0, 0));
        ffi::lua_sethook(l, hook, mask, count);
        // a kernel may have come first and told of it
        if interruption::take() {
            let _ = fail(l, interruption::TEXT);
            ffi::lua_error(l);
        }
    }
}

#[cfg(unix)]
mod signal {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        /// Whether this is the thread of the state. Without a destructor, so that a signal may look.
        static OURS: Cell<bool> = const { Cell::new(false) };
    }
    static THREAD: std::sync::OnceLock<libc::pthread_t> = std::sync::OnceLock::new();

    #[cfg(not(any(target_os = "macos", target_os = "freebsd")))]
    use libc::__errno_location as errno_place;
    #[cfg(any(target_os = "macos", target_os = "freebsd"))]
    use libc::__error as errno_place;

    fn tell(text: &str) {
        // SAFETY: the bytes are a live string's; write is allowed in a signal.
        unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
    }

    extern "C" fn arrived(_: c_int) {
        // SAFETY: what is called here may be called in signals: pthread_kill, write, _exit, and Lua's functions on hooks, which
        // its manual allows there. Hooks are set on the state's own thread alone, so nothing changes under a running
        // instruction; the state lives as long as the process. errno is left as it was.
        unsafe {
            let errno = errno_place();
            let before = *errno;
            if !OURS.get() {
                if let Some(&thread) = THREAD.get() {
                    libc::pthread_kill(thread, libc::SIGINT);
                }
                *errno = before;
                return;
            }
            if IDLE.load(Relaxed) {
                *errno = before;
                return;
            }
            match SIGNALS.fetch_add(1, Relaxed) {
                0 => {}
                1 => tell(
                    "\nth: still busy, and stops as soon as it can; a third Ctrl-C ends th and loses its variables\n",
                ),
                _ => {
                    tell("\nth: interrupted three times, leaving\n");
                    libc::_exit(130);
                }
            }
            interruption::ask();
            let l = STATE.load(Relaxed);
            let there = ffi::lua_gethook(l);
            if !there.is_some_and(|f| std::ptr::fn_addr_eq(f, stop as ffi::lua_Hook))
                && let Ok(mut kept) = BEFORE.try_lock()
            {
                *kept = there.map(|f| (Some(f), ffi::lua_gethookmask(l), ffi::lua_gethookcount(l)));
                drop(kept);
                ffi::lua_sethook(l, Some(stop), ffi::LUA_MASKCOUNT, 1);
            }
            *errno = before;
        }
    }

    pub(super) fn install() -> std::io::Result<()> {
        OURS.set(true);
        // SAFETY: the action is filled in whole; its handler lives as long as the process. Reads and writes end early then,
        // which is what is wanted of them.
        unsafe {
            let _ = THREAD.set(libc::pthread_self());
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = arrived as extern "C" fn(c_int) as usize;
            libc::sigemptyset(&raw mut action.sa_mask);
            match libc::sigaction(libc::SIGINT, &raw const action, std::ptr::null_mut()) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        }
    }
}

/// Has Ctrl-C stop what this state runs, on the thread that calls this. A second one in the same program says that it is still
/// busy, and a third ends the process. LuaJIT's compiled loops look for hooks where it was built with
/// `LUAJIT_ENABLE_CHECKHOOK`, as `.cargo/config.toml` asks for.
///
/// # Errors
/// What the system says where it takes no handler.
pub fn watch(lua: &Lua) -> mlua::Result<()> {
    // SAFETY: hands out the state's address; nothing is pushed.
    unsafe {
        lua.exec_raw::<()>((), |l| {
            STATE.store(l, Relaxed);
        })?;
    }
    #[cfg(unix)]
    signal::install().map_err(mlua::Error::external)?;
    Ok(())
}
