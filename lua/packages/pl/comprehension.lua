-- Penlight: lists, tables and sums by what is said of their elements: 'x^2 for x if x > 2'.
local utils = require 'pl.utils'

-- a text with texts and comments taken out, and a function that puts them back
local function hidden(text)
   local kept = {}
   local function hide(piece)
      kept[#kept + 1] = piece
      return '\1' .. #kept .. '\1'
   end
   local function scan(s)
      local out, at = {}, 1
      while at <= #s do
         local rest = s:sub(at)
         local level = rest:match '^%-%-%[(=*)%['
         local piece
         if level then piece = rest:match('^%-%-%[' .. level .. '%[.-%]' .. level .. '%]')
         elseif rest:find '^%[=*%[' then
            level = rest:match '^%[(=*)%['
            piece = rest:match('^%[' .. level .. '%[.-%]' .. level .. '%]')
         elseif rest:find '^["\']' then
            local mark, i = rest:sub(1, 1), 2
            while i <= #rest and rest:sub(i, i) ~= mark do
               if rest:sub(i, i) == '\\' then i = i + 1 end
               i = i + 1
            end
            piece = rest:sub(1, i)
         else
            piece = rest:match '^%b()' or rest:match '^%b{}' or rest:match '^%b[]' or rest:match '^function%f[^%w_].-%f[%w_]end%f[^%w_]'
            if piece and #piece > 2 and piece:find '^[%(%[{]' then
               -- brackets stay whole, so that a `for` in them is not ours
               out[#out + 1] = hide(piece)
               at = at + #piece
               piece = nil
               rest = nil
            elseif piece and piece:find '^[%(%[{]' then
               out[#out + 1] = piece
               at = at + #piece
               piece, rest = nil, nil
            end
         end
         if piece then
            out[#out + 1] = hide(piece)
            at = at + #piece
         elseif rest then
            out[#out + 1] = rest:sub(1, 1)
            at = at + 1
         end
      end
      return table.concat(out)
   end
   local function show(s)
      local n
      repeat s, n = s:gsub('\1(%d+)\1', function(i) return kept[tonumber(i)] end) until n == 0
      return s
   end
   return scan(text), show
end

local aggregates = {
   list = { 'local __result = {}', '__result[#__result + 1] = %s' },
   table = { 'local __result = {}', 'local __k, __v = %s __result[__k] = __v' },
   sum = { 'local __result = 0', '__result = __result + (%s)' },
   min = { 'local __result', 'local __v = %s if __result == nil or __v < __result then __result = __v end' },
   max = { 'local __result', 'local __v = %s if __result == nil or __v > __result then __result = __v end' },
}

-- the loops and conditions of a text
local function clauses_of(text, show)
   local result, clauses = text, {}
   local places = {}
   for at in text:gmatch '()%f[%w_]for%f[^%w_]' do places[#places + 1] = at end
   for at in text:gmatch '()%f[%w_]if%f[^%w_]' do places[#places + 1] = at end
   table.sort(places)
   if places[1] then result = text:sub(1, places[1] - 1) end
   for i, at in ipairs(places) do
      clauses[i] = show(text:sub(at, (places[i + 1] or #text + 1) - 1))
   end
   return show(result), clauses
end

local function source_of(text)
   local kind, inside = text:match '^%s*(%a+)%s*(%b())%s*$'
   if aggregates[kind] then text = inside:sub(2, -2) else kind = 'list' end
   local bare, show = hidden(text)
   local result, clauses = clauses_of(bare, show)
   if #clauses == 0 then error('comprehension: expected `for`', 0) end
   local most = 0
   local code = text:gsub('%-%-%[(=*)%[.-%]%1%]', ''):gsub('\\.', ''):gsub('"[^"]*"', ''):gsub("'[^']*'", '')
   for n in code:gmatch '%f[%w_]_(%d+)' do most = math.max(most, tonumber(n)) end
   local lists, body, ends = 0, {}, {}
   for _, clause in ipairs(clauses) do
      if clause:find '%f[%w_]__' then error('comprehension: names may not contain __ prefix', 0) end
      local name = clause:match '^for%s+([%a_][%w_]*)%s*$'
      if name then
         lists = lists + 1
         body[#body + 1] = ('for __i%d = 1, #__list%d do local %s = __list%d[__i%d]'):format(lists, lists, name, lists, lists)
      elseif clause:find '^for' then
         body[#body + 1] = clause .. ' do'
      else
         body[#body + 1] = clause .. ' then'
      end
      ends[#ends + 1] = 'end'
   end
   local names = {}
   for i = 1, most do names[i] = '_' .. i end
   for i = 1, lists do names[#names + 1] = '__list' .. i end
   local form = aggregates[kind]
   return table.concat({
      'return function(' .. table.concat(names, ', ') .. ')', form[1], table.concat(body, ' '),
      (form[2]:gsub('%%s', function() return '\n' .. result .. '\n' end)), table.concat(ends, ' '), 'return __result end',
   }, '\n')
end

-- a maker of comprehensions whose functions see this environment
local function new(env)
   env = env or _G
   local function make(text)
      local chunk, why = loadstring(source_of(text), text)
      if not chunk then error(why, 0) end
      local f = chunk()
      setfenv(f, env)
      return f
   end
   return setmetatable({ new = new }, { __call = function(self, text) return self.make(text) end,
      __index = { make = utils.memoize(make) } })
end

return setmetatable({ new = new }, { __call = function(_, env) return new(env) end })
