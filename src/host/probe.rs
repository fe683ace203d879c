//! Reading of files for tests and fuzzing.

use super::Host;

/// Reads a text as a file of each mode.
const PROBE: &str = "
local text = ...
local read = 0
for _, mode in ipairs { 'binary', 'ascii', 'b32' } do
   local ok, why = pcall(torch.deserialize, text, mode, { functions = false })
   if ok then
      read = read + 1
   elseif type(why) ~= 'string' or not why:find('position %d') then
      error('a message without a position: ' .. tostring(why), 0)
   end
end
return read
";

impl Host {
    /// Reads bytes as a `.t7` file, in each mode and without compiling what is in it. In how many modes it is one.
    ///
    /// # Errors
    /// A failure whose message does not tell the position, which would be a mistake of the reader.
    pub fn probe_t7(&self, bytes: &[u8]) -> anyhow::Result<usize> {
        let lua = self.lua();
        let text = lua.create_string(bytes).map_err(|e| anyhow::anyhow!("{e}"))?;
        lua.load(PROBE).set_name("=probe").call(text).map_err(|e| anyhow::anyhow!("{e}"))
    }
}
