//! The pipeline on one page; packages; the embedded standard library.
