-- Weights by their names, as PyTorch's state dicts have them: of a module, and into one.
local Module = nn.Module

-- in PyTorch's order, then what it does not have
local FIELDS = { 'weight', 'bias', 'running_mean', 'running_var', 'diagCov' }
-- what a state dict counts besides
local COUNTERS = { num_batches_tracked = true }

local function collect(module, prefix, found, seen)
   if type(module) ~= 'table' or seen[module] then return end
   seen[module] = true
   for _, field in ipairs(FIELDS) do
      local tensor = rawget(module, field)
      if torch.isTensor(tensor) and tensor:nElement() > 0 then found[#found + 1] = { prefix .. field, tensor } end
   end
   local members = rawget(module, 'modules')
   for i, member in ipairs(type(members) == 'table' and members or {}) do
      collect(member, prefix .. (i - 1) .. '.', found, seen)
   end
end

-- A list of pairs { name, tensor }: weight, bias, running_mean and running_var of the module and of those in it, whose
-- places count from 0 in names. The tensors are the module's own.
function Module:stateDict()
   local found = {}
   collect(self, '', found, {})
   return found
end

local function sizes_text(tensor) return tensor:dim() > 0 and table.concat(tensor:size():totable(), 'x') or 'none' end

local Report = {}
Report.__index = Report

function Report:fits() return #self.missing == 0 and #self.unexpected == 0 and #self.wrong == 0 end

function Report:__tostring()
   local lines = { string.format('%d tensors by %s', #self.loaded, self.by) }
   local function list(title, names)
      if #names == 0 then return end
      lines[#lines + 1] = string.format('%s: %d', title, #names)
      for i, name in ipairs(names) do
         if i > 20 then
            lines[#lines + 1] = string.format('   ... %d more', #names - 20)
            break
         end
         lines[#lines + 1] = '   ' .. name
      end
   end
   list('the file does not have', self.missing)
   list('the module does not have', self.unexpected)
   list('of another size or kind', self.wrong)
   return table.concat(lines, '\n')
end

-- pairs of a tensor of the module and one of the dictionary that go together by their names
local function by_name(own, dict, names, report)
   local pairs_found, used = {}, {}
   for _, entry in ipairs(own) do
      local other = dict[entry[1]]
      if other ~= nil and not torch.isTensor(other) then
         used[entry[1]] = true
         report.wrong[#report.wrong + 1] = string.format('%s: a %s, a tensor expected', entry[1], torch.type(other))
      elseif other then
         used[entry[1]] = true
         pairs_found[#pairs_found + 1] = { entry, entry[1] }
      else
         report.missing[#report.missing + 1] = entry[1]
      end
   end
   for _, name in ipairs(names) do if not used[name] then report.unexpected[#report.unexpected + 1] = name end end
   return pairs_found
end

-- The names with those of a module together, and its fields in our order: some files are sorted by the alphabet.
local function grouped(names)
   local order, groups = {}, {}
   for _, name in ipairs(names) do
      local prefix, field = name:match '^(.-)([^.]*)$'
      if not groups[prefix] then
         groups[prefix] = {}
         order[#order + 1] = prefix
      end
      table.insert(groups[prefix], field)
   end
   local found = {}
   for _, prefix in ipairs(order) do
      local left = groups[prefix]
      for _, field in ipairs(FIELDS) do
         for i, other in ipairs(left) do
            if other == field then
               found[#found + 1] = prefix .. table.remove(left, i)
               break
            end
         end
      end
      for _, other in ipairs(left) do found[#found + 1] = prefix .. other end
   end
   return found
end

local function field_of(name)
   local last = name:match '[^.]*$'
   for _, field in ipairs(FIELDS) do if last == field then return field end end
end

-- the same by their order
local function by_order(own, _, names, report)
   local pairs_found = {}
   names = grouped(names)
   for i = 1, math.max(#own, #names) do
      local mine, theirs = own[i] and own[i][1], names[i]
      if mine and theirs then
         local field = field_of(theirs)
         if field and field ~= field_of(mine) then
            report.wrong[#report.wrong + 1] = string.format('%s from %s: the fields differ', mine, theirs)
         else
            pairs_found[#pairs_found + 1] = { own[i], theirs }
         end
      elseif mine then
         report.missing[#report.missing + 1] = mine
      else
         report.unexpected[#report.unexpected + 1] = theirs
      end
   end
   return pairs_found
end

-- the names of a dictionary, those of counters left out
local function names_of(dict, names)
   local found = {}
   if not names then
      names = {}
      for name in pairs(dict) do names[#names + 1] = name end
      table.sort(names)
   end
   for _, name in ipairs(names) do
      if type(name) ~= 'string' then
         error('loadStateDict: names expected, got ' .. require('nn.expect').brief(name))
      end
      if torch.isTensor(dict[name]) and not COUNTERS[name:match '[^.]*$'] then found[#found + 1] = name end
   end
   return found
end

local function options_of(names, options)
   if type(names) == 'table' and #names == 0 and next(names) ~= nil then return nil, names end
   return names, options or {}
end

-- Fills the module: loadStateDict(path | dict, [names], [{ by = 'name' | 'order', strict = boolean }]). Returns a
-- report of what fits.
function Module:loadStateDict(dict, names, options)
   names, options = options_of(names, options)
   if type(dict) == 'string' then
      local ok
      ok, dict, names = pcall(require('rekindle.models').load, dict)
      if not ok then error('nn.Module.loadStateDict: ' .. require 'rekindle.reason'(dict), 2) end
   end
   if type(dict) ~= 'table' then
      error('nn.Module.loadStateDict: expected a file name or a table of tensors by their names, got ' .. torch.type(dict), 2)
   end
   local by = options.by
   if by ~= nil and by ~= 'name' and by ~= 'order' then
      error("nn.Module.loadStateDict: expected by = 'name' or 'order', got " .. tostring(by), 2)
   end
   if names ~= nil and type(names) ~= 'table' then
      error('nn.Module.loadStateDict: expected a list of names, got ' .. torch.type(names), 2)
   end
   local ordered = names ~= nil
   names = names_of(dict, names)
   local own = self:stateDict()
   if not by then
      by = 'name'
      for _, entry in ipairs(own) do if not dict[entry[1]] and ordered then by = 'order' end end
   elseif by == 'order' and not ordered then
      error('nn.Module.loadStateDict: a table has no order; give the list of names, the second result of rekindle.models.load', 2)
   end
   local report = setmetatable({ by = by, loaded = {}, missing = {}, unexpected = {}, wrong = {} }, Report)
   local found = (by == 'name' and by_name or by_order)(own, dict, names, report)
   local fitting = {}
   for _, pair in ipairs(found) do
      local entry, other = pair[1], dict[pair[2]]
      local name = pair[2] == entry[1] and entry[1] or entry[1] .. ' from ' .. pair[2]
      if other:nElement() == entry[2]:nElement() then
         fitting[#fitting + 1] = { entry[2], other, name }
      else
         report.wrong[#report.wrong + 1] = string.format('%s: %s here, %s there', name, sizes_text(entry[2]), sizes_text(other))
      end
   end
   -- nothing is changed before all is known to fit
   if options.strict ~= false and not report:fits() then
      error('nn.Module.loadStateDict: the state dict does not fit; { strict = false } loads what does\n' .. tostring(report), 2)
   end
   for i, part in ipairs(fitting) do
      part[1]:copy(part[2])
      report.loaded[i] = part[3]
   end
   return report
end
