-- Call forms as the help shows them: `torch.f(...)` as the rows give it, methods by what stands before the colon.
local usage = require('rekindle.native').functions.help.usage
local manual = require 'rekindle.manual'
local calls = {}

-- the parameters of a form as the rows show it: { name, kind, optional, default, text }, and what is handed back
local function parsed(form)
   local list, back = {}, form:match(' %-> (.*)$') or ''
   local inside = form:match('^%((.*)%) %-> .*$') or form:match('^%((.*)%)$') or ''
   for text in (inside .. ', '):gmatch('(.-), ') do
      local name, kind = text:match('^%[?(%w+): ([^%]=]-)%]?$')
      if not name then name, kind = text:match('^%[(%w+): (.-) = ') end
      if name then
         local optional = text:sub(1, 1) == '['
         list[#list + 1] = { name = name, kind = kind, optional = optional, default = text:find(' = ') ~= nil, text = text }
      end
   end
   return list, back
end

local function is_object(p)
   return p ~= nil and (p.kind == 'File' or p.kind:find('Tensor$') or p.kind:find('Storage$')) ~= nil
end

local function texts_from(list, first)
   local out = {}
   for i = first, #list do out[#out + 1] = list[i].text end
   return table.concat(out, ', ')
end

-- The ways to call a form with a colon: what stands before it is the first argument that is given.
local function colon_forms(name, form)
   local list, back = parsed(form)
   local function call(receiver, first, result)
      return receiver .. ':' .. name .. '(' .. texts_from(list, first) .. ')' .. (result ~= '' and ' -> ' .. result or '')
   end
   local one, two = list[1], list[2]
   if is_object(one) and not one.optional then
      local in_place = two and two.optional and not two.default and two.kind == 'Tensor'
      if not in_place then return { call(one.name, 2, back) } end
      -- where the second tensor is left out, the first is both
      two.text = two.name .. ': Tensor'
      return { call(two.name, 3, back:gsub('%f[%w]' .. one.name .. '%f[%W]', two.name)), call(one.name, 2, back) }
   end
   local lines, at = {}, 1
   while list[at] and list[at].optional do at = at + 1 end
   if is_object(list[at]) then lines[1] = call(list[at].name, at + 1, back) end
   if is_object(one) then lines[#lines + 1] = call(one.name, 2, back) end
   return lines
end

-- a list of lines, each once
local function collector()
   local lines, seen = {}, {}
   return lines, function(line)
      if not seen[line] then
         seen[line] = true
         lines[#lines + 1] = line
      end
   end
end

-- the forms of `torch.f` and of the method `x:f`
function calls.of(name)
   local lines, add = collector()
   for _, line in ipairs(usage('torch.' .. name)) do add(line) end
   for _, class in ipairs { 'torch.DoubleTensor.', 'torch.LongTensor.', 'torch.ByteTensor.' } do
      local list = usage(class .. name)
      for _, line in ipairs(list) do
         for _, form in ipairs(colon_forms(name, line:sub(#class + #name + 1))) do add(form) end
      end
      if #list > 0 then break end
   end
   return lines
end

-- the forms of a method of one class
function calls.of_class(class, name)
   local lines, add = collector()
   local method = class .. '.' .. name
   for _, line in ipairs(usage(method)) do
      for _, form in ipairs(colon_forms(name, line:sub(#method + 1))) do add(form) end
   end
   return lines
end

-- a call form in lines, cut between parameters
function calls.wrap(line) return manual.fill((line .. ', '):gmatch('(.-), '), ',', '    ') end

return calls
