//! What rustyline calls of `buffer-redux`, without a buffer.
//!
//! Its own takes from the terminal whatever waits there, and the line editor keeps what stands behind the line that it gives:
//! lines that were pasted or typed ahead, which a program or a command of the shell in that line may be about to read.
//! Read byte by byte they stay with the terminal, where everybody finds them.

use std::io::{Read, Result};

/// What is left in a reader: nothing.
#[derive(Debug)]
pub struct Buffer(());

/// A reader that asks for no more than is wanted of it.
#[derive(Debug)]
pub struct BufReader<R>(R);

impl<R> BufReader<R> {
    /// One for this source; the capacity means nothing.
    pub fn with_capacity(_: usize, source: R) -> BufReader<R> {
        BufReader(source)
    }

    /// One for this source, after another that left nothing.
    pub fn with_buffer(_: Buffer, source: R) -> BufReader<R> {
        BufReader(source)
    }

    /// The source.
    pub fn get_ref(&self) -> &R {
        &self.0
    }

    /// What has been read and not been asked for: nothing.
    pub fn buffer(&self) -> &[u8] {
        &[]
    }

    /// The source, and what is left.
    pub fn into_inner_with_buffer(self) -> (R, Buffer) {
        (self.0, Buffer(()))
    }
}

impl<R: Read> Read for BufReader<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        self.0.read(out)
    }
}
