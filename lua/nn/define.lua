-- Classes from descriptions, for every family of nn:
--
--   define('LeakyReLU', { options = { { 'negval', 0.01, 'number' }, { 'inplace', false, 'boolean' } } })
--
--   parent    the parent class, nn.Module where none is given
--   construct what the constructor calls first, the parent's constructor where none is given
--   options   what the constructor takes, in order: { field, value where it is missing, type that is demanded }
--   setup     called with the object and the constructor's arguments, once the options are in their fields
--   scratch   fields that clearState empties
--   text      what stands after the class in tostring
local signatures = require 'rekindle.signatures'

local function check(class, option, value)
   local name, wanted = option[1], option[3]
   if wanted and value ~= nil and type(value) ~= wanted then
      error(string.format('nn.%s: %s should be a %s, got a %s', class, name, wanted, torch.type(value)))
   end
   return value
end

return function(name, spec)
   spec = spec or {}
   local class, parent = torch.class('nn.' .. name, spec.parent or 'nn.Module')
   local options, setup = spec.options or {}, spec.setup
   if #options > 0 or setup then
      function class:__init(...)
         (spec.construct or parent.__init)(self)
         for i, option in ipairs(options) do
            local value = select(i, ...)
            if value == nil then value = option[2] end
            self[option[1]] = check(name, option, value)
         end
         if setup then setup(self, ...) end
      end
      signatures.note(class.__init, signatures.from_options(options, setup))
   end
   if spec.scratch then
      function class:clearState()
         nn.utils.clear(self, spec.scratch)
         return parent.clearState(self)
      end
   end
   if spec.text then
      function class:__tostring__() return torch.type(self) .. spec.text(self) end
   end
   return class, parent
end
