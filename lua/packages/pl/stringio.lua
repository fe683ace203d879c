-- Penlight: texts as files.
local stringio = {}

local Writer = {}
Writer.__index = Writer
function Writer:write(...)
   for i = 1, select('#', ...) do
      local v = select(i, ...)
      if type(v) == 'number' then v = tostring(v) end
      self.parts[#self.parts + 1] = v
   end
   return self
end
function Writer:writef(format, ...) return self:write(format:format(...)) end
function Writer:close() end
function Writer:seek() end
function Writer:value() return table.concat(self.parts) end
Writer.__tostring = Writer.value

local Reader = {}
Reader.__index = Reader

local function one(self, format)
   local text, at = self.text, self.at
   if type(format) == 'number' then
      if at > #text and format > 0 then return nil end
      self.at = at + format
      return text:sub(at, at + format - 1)
   end
   local kind = format:match '^%*?(%a)'
   if kind == 'a' then
      self.at = #text + 1
      return text:sub(at)
   elseif kind == 'n' then
      local _, to, number = text:find('^%s*([%+%-]?%d*%.?%d+[eE]?[%+%-]?%d*)', at)
      if not to then return nil end
      self.at = to + 1
      return tonumber(number)
   elseif kind == 'l' or kind == 'L' then
      if at > #text then return nil end
      local stop = text:find('\n', at, true) or #text + 1
      self.at = stop + 1
      return text:sub(at, kind == 'L' and stop or stop - 1)
   end
   error('bad read format: ' .. tostring(format), 3)
end
function Reader:read(...)
   if select('#', ...) == 0 then return one(self, '*l') end
   local values, n = {}, select('#', ...)
   for i = 1, n do values[i] = one(self, (select(i, ...))) end
   return unpack(values, 1, n)
end
function Reader:lines(...)
   local formats = { ... }
   return function() return self:read(unpack(formats)) end
end
function Reader:seek(whence, offset)
   local base = ({ set = 0, cur = self.at - 1, ['end'] = #self.text })[whence or 'cur']
   local at = base + (offset or 0)
   if at < 0 or at > #self.text then return nil, 'invalid position' end
   self.at = at + 1
   return at
end
function Reader:close() end

function stringio.create() return setmetatable({ parts = {} }, Writer) end
function stringio.open(text) return setmetatable({ text = text, at = 1 }, Reader) end
function stringio.lines(text, ...) return stringio.open(text):lines(...) end

return stringio
