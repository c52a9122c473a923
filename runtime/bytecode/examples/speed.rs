use rc_bytecode::builder::*; use rc_bytecode::instr::*; use std::time::Instant;
fn main() {
    let mut m = ModuleBuilder::new();
    for _ in 0..40 {
        let mut f = FunctionBuilder::new("f");
        let c = f.constant(Scalar::Bool, 1);
        for _ in 0..16_000 { f.reg(Scalar::U64); }
        for i in 0..49_000u32 { let dst = Register(1 + i % 16_000);
            f.emit(Instr::If { condition: c, then: vec![Instr::Const { dst, bits: 1 }], otherwise: vec![] }); }
        f.give(&[]);
        m.function(f.finish());
    }
    let t = Instant::now(); let module = m.finish(); println!("certify {:?}", t.elapsed());
    let t = Instant::now(); let bytes = rc_bytecode::encode(&module); println!("encode {} {:?}", bytes.len(), t.elapsed());
    let t = Instant::now(); let d = rc_bytecode::decode(&bytes).unwrap(); println!("decode {:?}", t.elapsed());
    let t = Instant::now(); println!("{:?}", rc_bytecode::verify(d).map(|v| v.hash()[0])); println!("verify {:?}", t.elapsed());
    let t = Instant::now(); let s = rc_bytecode::print(&module); println!("print {} {:?}", s.len(), t.elapsed());
    let t = Instant::now(); rc_bytecode::parse(&s).unwrap(); println!("parse {:?}", t.elapsed());
}
