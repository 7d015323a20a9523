//! What follows from the model: how calls are answered, what has to be converted, and how
//! values cross the boundary.

use super::{
    Arg, ArgType, Aux, By, Call, Case, Cases, Constant, Element, FieldType, FlagSet, Int, Pointee,
    Returns, Scalar, Spec, Struct,
};

/// How a call is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum Answer {
    /// Straight to the kernel with translated addresses.
    Direct,
    /// To the kernel with structs or flags converted.
    Convert,
    /// By another call, since this ISA's table has none.
    Fallback,
    /// With `ENOSYS`, as natively, since this ISA's table has none.
    Absent,
    /// By the runtime.
    Runtime,
    /// With an error, for a stated reason.
    Refused,
}

impl Answer {
    /// The word used in listings.
    pub fn word(self) -> &'static str {
        match self {
            Answer::Direct => "direct",
            Answer::Convert => "convert",
            Answer::Fallback => "fallback",
            Answer::Absent => "absent",
            Answer::Runtime => "runtime",
            Answer::Refused => "refused",
        }
    }
}

/// How a value crosses the boundary in WebAssembly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum WasmType {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

impl Int {
    /// How the integer crosses the boundary: only 64 bits need `i64`.
    pub fn wasm(self) -> WasmType {
        if self.bits == 64 {
            WasmType::I64
        } else {
            WasmType::I32
        }
    }
}

impl Arg {
    /// How the argument crosses the boundary; guest addresses have 32 bits.
    pub fn wasm(&self, spec: &Spec) -> WasmType {
        match &self.ty {
            ArgType::Value { scalar, .. } => spec.scalars[scalar].guest.wasm(),
            ArgType::Unused {
                scalar: Some(scalar),
            } => spec.scalars[scalar].guest.wasm(),
            ArgType::Pointer { .. } | ArgType::Unused { scalar: None } => WasmType::I32,
        }
    }
}

impl Call {
    /// The parameters of the guest's import; every call returns an `i64`.
    pub fn guest_signature(&self, spec: &Spec) -> Vec<WasmType> {
        self.args.iter().map(|arg| arg.wasm(spec)).collect()
    }
}

impl Aux {
    /// The parameters and the result of the guest's import.
    pub fn guest_signature(&self, spec: &Spec) -> (Vec<WasmType>, Option<WasmType>) {
        let params = self.args.iter().map(|arg| arg.wasm(spec)).collect();
        let result = self
            .returns
            .as_ref()
            .map(|name| spec.scalars[name].guest.wasm());
        (params, result)
    }
}

impl Scalar {
    /// The integer through which a guest's value becomes the host's: as wide as the guest's,
    /// with the host's signedness.
    pub fn widening(&self) -> Int {
        Int {
            signed: self.host.signed,
            ..self.guest
        }
    }
}

impl Struct {
    /// Whether guest and host bytes differ on the ISA with that index.
    pub fn converts_on(&self, isa: usize, spec: &Spec) -> bool {
        self.guest.size != self.host.0[isa].size
            || self.fields.iter().any(|f| {
                f.host.0[isa] != Some(f.guest)
                    || match &f.ty {
                        FieldType::Pointer { .. } => true,
                        FieldType::Struct(name) => spec.structs[name].converts_on(isa, spec),
                        FieldType::Scalar(_) | FieldType::Array { .. } => false,
                    }
            })
    }
}

impl FlagSet {
    /// Whether a member's value differs between the guest and that ISA.
    pub fn converts_on(&self, isa: usize) -> bool {
        self.members
            .iter()
            .any(|m| m.host.0[isa].is_some_and(|v| v != m.guest))
    }
}

impl Arg {
    /// Whether it needs more than an address translated on that ISA.
    pub fn converts_on(&self, isa: usize, spec: &Spec) -> bool {
        match &self.ty {
            ArgType::Value { flags, .. } => flags
                .as_ref()
                .is_some_and(|f| spec.flag_sets[f].converts_on(isa)),
            ArgType::Pointer { to, .. } => match to {
                Pointee::Struct(s)
                | Pointee::Array {
                    of: Element::Struct(s),
                    ..
                } => spec.structs[s].converts_on(isa, spec),
                Pointee::Scalar(s)
                | Pointee::Array {
                    of: Element::Scalar(s),
                    ..
                } => {
                    let s = &spec.scalars[s];
                    s.guest.bits != s.host.bits
                }
                Pointee::Bytes(_) | Pointee::String { .. } => false,
            },
            ArgType::Unused { .. } => false,
        }
    }
}

impl Returns {
    /// Whether the result must be translated on that ISA.
    pub fn converts_on(&self, isa: usize, spec: &Spec) -> bool {
        matches!(self, Returns::Flags(set) if spec.flag_sets[set].converts_on(isa))
    }
}

impl Cases {
    /// Whether some case needs more than an address translated on that ISA.
    pub fn converts_on(&self, isa: usize, spec: &Spec) -> bool {
        self.cases.iter().any(|case| {
            case.args.iter().any(|arg| arg.converts_on(isa, spec))
                || case.returns.converts_on(isa, spec)
                || matches!(case.by, By::Runtime { .. })
                || case
                    .cases
                    .as_ref()
                    .is_some_and(|below| below.converts_on(isa, spec))
        })
    }

    /// All cases, those below others too, each with the constants that lead to it.
    pub fn walk(&self) -> Vec<(Vec<&Constant>, &Case)> {
        let mut all = Vec::new();
        for case in &self.cases {
            match &case.cases {
                None => all.push((vec![&case.constant], case)),
                Some(below) => all.extend(below.walk().into_iter().map(|(mut path, leaf)| {
                    path.insert(0, &case.constant);
                    (path, leaf)
                })),
            }
        }
        all
    }
}

impl Call {
    /// Whether an argument or a result needs more than an address translated on that ISA.
    pub fn converts_on(&self, isa: usize, spec: &Spec) -> bool {
        self.args.iter().any(|arg| arg.converts_on(isa, spec))
            || self.returns.converts_on(isa, spec)
            || self
                .cases
                .as_ref()
                .is_some_and(|cases| cases.converts_on(isa, spec))
    }

    /// How the call is answered on the ISA with that index.
    pub fn answer_on(&self, isa: usize, spec: &Spec) -> Answer {
        match &self.by {
            By::Runtime { .. } => Answer::Runtime,
            By::Refused { .. } => Answer::Refused,
            By::Kernel if self.numbers.0[isa].is_none() => match self.fallback {
                Some(_) => Answer::Fallback,
                None => Answer::Absent,
            },
            By::Kernel if self.converts_on(isa, spec) => Answer::Convert,
            By::Kernel => Answer::Direct,
        }
    }

    /// How the call is answered in general: the least direct of the ISAs' answers,
    /// where a fallback outranks a conversion, and no answer a fallback.
    pub fn answer(&self, spec: &Spec) -> Answer {
        (0..spec.isas.len())
            .map(|isa| self.answer_on(isa, spec))
            .max()
            .unwrap_or(Answer::Direct)
    }
}
