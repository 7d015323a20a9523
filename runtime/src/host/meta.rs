//! What calls are: the specification as data, for whoever shows or judges calls. The generated
//! half is `bindings::metadata`. Values, offsets and constants are the guest's.

/// A call that guests can import.
#[derive(Debug)]
pub struct Call {
    /// The kernel's name; the import's where it is no system call.
    pub name: &'static str,
    /// The file of the specification that it stands in; `aux` for what is no system call.
    pub family: &'static str,
    /// Its arguments.
    pub args: &'static [Arg],
    /// What a success gives.
    pub returns: Returns,
    /// Who carries it out.
    pub by: By,
    /// What it is for each value of an argument.
    pub cases: Option<&'static Cases>,
    /// Since when the kernel has it, if that is known; none where it is no system call.
    pub since: Option<Since>,
}

/// A release of Linux: its first three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(pub [u16; 3]);

/// The first release with a call, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// This one.
    Exactly(Release),
    /// A later one than `after`, if that is known, and `by` or an earlier one.
    Between {
        /// A release without the call.
        after: Option<Release>,
        /// A release with it.
        by: Release,
    },
}

/// What a call is for each value of an argument.
#[derive(Debug)]
pub struct Cases {
    /// The argument's place.
    pub by: usize,
    /// The known values.
    pub of: &'static [Case],
    /// Who carries out the others, with the call's own types.
    pub otherwise: By,
}

/// What a call is for a value of an argument.
#[derive(Debug)]
pub struct Case {
    /// The value.
    pub value: i64,
    /// The bits of the argument that have to be the value's.
    pub mask: i64,
    /// All of the call's arguments, with the types that they have here.
    pub args: &'static [Arg],
    /// What a success gives.
    pub returns: Returns,
    /// Who carries it out.
    pub by: By,
    /// What tells it further apart.
    pub cases: Option<&'static Cases>,
}

/// Who carries a call out.
#[derive(Debug, Clone, Copy)]
pub enum By {
    /// The kernel.
    Kernel,
    /// The runtime, for a reason.
    Runtime(&'static str),
    /// Nobody: it fails with this error, for a reason.
    Refused(i32, &'static str),
}

/// An argument.
#[derive(Debug)]
pub struct Arg {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: ArgType,
}

/// The type of an argument.
#[derive(Debug)]
pub enum ArgType {
    /// A number.
    Value(Scalar),
    /// One or more of a set of constants.
    Flags(Scalar, &'static FlagSet),
    /// The address of something.
    Pointer(Dir, Pointee),
    /// Not used in this case.
    Unused,
}

/// Which way data goes behind a pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dir {
    /// The call reads.
    In,
    /// It writes.
    Out,
    /// Both.
    InOut,
}

/// What a pointer leads to.
#[derive(Debug)]
pub enum Pointee {
    /// Bytes.
    Bytes(Len),
    /// A file's name, with a NUL.
    Path,
    /// Another string, with a NUL.
    String,
    /// A number.
    Scalar(Scalar),
    /// A structure.
    Struct(&'static Struct),
    /// Several of the same.
    Array(Element, Len),
}

/// The element of an array.
#[derive(Debug)]
pub enum Element {
    /// A byte.
    Byte,
    /// A number.
    Scalar(Scalar),
    /// A structure.
    Struct(&'static Struct),
}

/// A length or count.
#[derive(Debug, Clone, Copy)]
pub enum Len {
    /// The argument at this place, or what that points to.
    Arg(usize),
    /// A fixed number.
    Fixed(u64),
}

/// A number's representation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scalar {
    /// 8, 16, 32 or 64.
    pub bits: u8,
    /// Whether it may be negative.
    pub signed: bool,
    /// What its values stand for.
    pub role: Role,
}

/// What a number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nothing in particular.
    Plain,
    /// A character of text.
    Text,
    /// A file descriptor.
    Descriptor,
    /// A guest address that the call itself interprets.
    Address,
    /// A process, thread or process group.
    Process,
    /// A user.
    User,
    /// A group.
    Group,
    /// A signal.
    Signal,
    /// A set of signals, a bit for each from 1 on.
    Signals,
    /// A file mode.
    Mode,
    /// A clock.
    Clock,
}

/// A set of named constants.
#[derive(Debug)]
pub struct FlagSet {
    /// Its name in the specification.
    pub name: &'static str,
    /// Whether values combine by or.
    pub bits: bool,
    /// Names and values, in the order of the specification.
    pub members: &'static [(&'static str, i64)],
}

/// A structure.
#[derive(Debug)]
pub struct Struct {
    /// Its name in the specification.
    pub name: &'static str,
    /// `sizeof`.
    pub size: u32,
    /// Its fields.
    pub fields: &'static [Field],
}

/// A field of a structure.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// `offsetof`.
    pub offset: u32,
    /// Its type.
    pub ty: FieldType,
}

/// The type of a field.
#[derive(Debug)]
pub enum FieldType {
    /// A number.
    Scalar(Scalar),
    /// Several numbers.
    Array(Scalar, u32),
    /// A structure.
    Struct(&'static Struct),
    /// The address of as many elements as the field at this place says.
    Pointer(Dir, Element, usize),
}

/// What a success gives.
#[derive(Debug, Clone, Copy)]
pub enum Returns {
    /// A number.
    Value(Scalar),
    /// One or more of a set of constants.
    Flags(&'static FlagSet),
    /// Zero.
    Nothing,
    /// It does not return.
    Never,
}
