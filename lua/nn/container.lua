-- nn.Container: a module with modules inside.
local expect = require 'nn.expect'
local Container, parent = torch.class('nn.Container', 'nn.Module')

function Container:__init(...)
   parent.__init(self, ...)
   self.modules = {}
end

function Container:add(...)
   expect.method(self, 'add', 'container', 'modules')
   local module = ...
   -- classes of programs begin empty so, and are filled later; a nil that is given adds nothing in Torch7 either
   if module == nil and (select('#', ...) > 0 or not torch.type(self):find('^nn%.')) then return self end
   self.modules[#self.modules + 1] = expect.module(self, module)
   return self
end
require('rekindle.signatures').note(Container.add, { 'self', 'module' })

function Container:get(index) return self.modules[index] end
function Container:size() return #self.modules end

-- Where an error came up in the program, for the innermost container only; error objects other than text go through as
-- they are.
local function located(err)
   local report = require 'rekindle.report'
   if type(err) ~= 'string' or err:find(report.TRACED, 1, true) then return err end
   return err .. report.traceback() .. '\n\n' .. report.TRACED
end

local function finish(self, index, ok, ...)
   if ok then return ... end
   local err = ...
   if type(err) ~= 'string' then error(err, 0) end
   error(string.format('In %d module of %s:\n%s', index, torch.type(self), err), 0)
end

-- Calls module[method](module, ...); an error says which module of which container it came from.
function Container:rethrowErrors(module, index, method, ...)
   if module == nil or not rawequal(module, self.modules[index]) then
      error(string.format('mismatch between the module and its index %s in %s', tostring(index), torch.type(self)))
   end
   return finish(self, index, xpcall(module[method], located, module, ...))
end

function Container:applyToModules(f)
   for _, m in ipairs(self.modules) do f(m) end
end

require 'rekindle.takes'(Container, ':', { applyToModules = 'f:function' })

-- Methods that pass their arguments on to every module.
for _, name in ipairs { 'zeroGradParameters', 'updateParameters', 'reset' } do
   Container[name] = function(self, ...)
      for _, m in ipairs(self.modules) do m[name](m, ...) end
   end
end

for _, name in ipairs { 'training', 'evaluate' } do
   Container[name] = function(self)
      for _, m in ipairs(self.modules) do m[name](m) end
      parent[name](self)
   end
end

function Container:share(other, ...)
   local others = type(other) == 'table' and other.modules
   if type(others) ~= 'table' or #others < #self.modules then
      expect.fail(self, 'share: a container of as many modules expected, got %s', expect.brief(other))
   end
   for i, m in ipairs(self.modules) do m:share(others[i], ...) end
   return self
end

function Container:parameters()
   local values, grads = {}, {}
   for _, m in ipairs(self.modules) do
      local v, g = m:parameters()
      for i = 1, v and #v or 0 do
         values[#values + 1] = v[i]
         grads[#values] = g[i]
      end
   end
   return values, grads
end

-- The container's results may be those of a module, so they are replaced, not emptied.
function Container:clearState()
   nn.utils.letGo(self)
   for _, m in ipairs(self.modules) do m:clearState() end
   return self
end

return Container
