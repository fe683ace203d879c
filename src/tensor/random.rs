//! stub
#[derive(Clone,Debug)]
/// stub
pub struct Generator;
impl Generator { /// stub
 pub fn new() -> Self { Generator } }
