//! Ceilings of a module, a sentence each. The compiler runs the same checks, so that what it accepts the
//! edge accepts too; a cluster may set lower ones.

/// Functions in a module.
pub const FUNCTIONS_MAX: usize = 65_536;
/// Instructions in one function, nested ones counted.
pub const INSTRUCTIONS_PER_FUNCTION_MAX: usize = 100_000;
/// Instructions in a module.
pub const INSTRUCTIONS_MAX: usize = 4_000_000;
/// Registers of one function.
pub const REGISTERS_MAX: usize = 16_384;
/// How deep blocks may stand in each other.
pub const NESTING_MAX: usize = 64;
/// How deep calls may go; with `NESTING_MAX` it bounds every recursion over code.
pub const CALL_DEPTH_MAX: usize = 64;
/// How deep attempts may stand in each other, calls followed.
pub const ATTEMPT_DEPTH_MAX: usize = 16;
/// Bytes of one frame slot: a value is at most 1 MiB.
pub const SLOT_BYTES_MAX: u32 = 1 << 20;
/// Scratch bytes of one command, all frames on its deepest call path.
pub const SCRATCH_BYTES_MAX: u64 = 16 << 20;
/// Iterations that one loop may declare.
pub const LOOP_MAX: u64 = 1 << 32;
/// Regions that one module may name.
pub const REGIONS_MAX: usize = 4_096;
/// Encoded bytes of a module.
pub const MODULE_BYTES_MAX: usize = 64 << 20;
/// Items of all lists in a module (instructions, registers, lines, names, fields): what decoding may allocate.
pub const ITEMS_MAX: usize = 16 << 20;
/// Steps that one command may cost on any cluster.
pub const STEPS_MAX: u64 = 1 << 40;
/// Page numbers of a region: 48 bits of byte offset at 256-byte pages would allow more; one bound for all sizes.
pub const REGION_PAGES_MAX: u64 = 1 << 34;
/// Commands, and events, of one interface.
pub const ENTRIES_MAX: usize = 65_536;
/// Error types of one interface.
pub const ROUTES_MAX: usize = 1_024;
/// Error types of a package.
pub const ERRORS_MAX: usize = 1_024;
/// Variants of one error type: a test's status word has 8 bits for them.
pub const ERROR_VARIANTS_MAX: usize = 256;
/// Variants of one enum: its tag is two bytes at most.
pub const VARIANTS_MAX: usize = 65_536;
/// Role names: a principal's roles are a 64-bit set.
pub const ROLES_MAX: usize = 64;
/// How deep types may stand in each other, names followed; a JSON body may be as deep.
pub const SHAPE_DEPTH_MAX: usize = 32;
/// Parts of all types of an interface, names followed: it bounds every recursion over shapes.
pub const SHAPE_NODES_MAX: u64 = 1 << 20;
/// Bytes of one name.
pub const NAME_BYTES_MAX: usize = 4_096;
/// Page sizes that a module may be made for, as powers of two.
pub const PAGE_SHIFT_MIN: u8 = 8;
pub const PAGE_SHIFT_MAX: u8 = 16;
/// The frozen production page size: 16 KiB.
pub const PAGE_SHIFT_DEFAULT: u8 = 14;

const _: () = assert!(PAGE_SHIFT_MIN <= PAGE_SHIFT_DEFAULT && PAGE_SHIFT_DEFAULT <= PAGE_SHIFT_MAX);
const _: () = assert!(REGION_PAGES_MAX << PAGE_SHIFT_DEFAULT <= 1 << 48);
