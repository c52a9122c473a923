//! Typed program to canvas bytecode: generics made concrete, tables made of container calls.
