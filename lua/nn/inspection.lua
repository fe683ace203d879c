-- Modules that tell what goes through them: sizes, and the time that it takes.
local define = require 'nn.define'
local expect = require 'nn.expect'

do
   -- Prints the sizes of input and gradOutput.
   local PrintSize = define('PrintSize', { options = { { 'prefix', 'PrintSize' } } })
   local function sizeOf(value)
      if torch.isTensor(value) or torch.isStorage(value) then return value:size() end
      return 'missing size'
   end
   function PrintSize:updateOutput(input)
      self.output = input
      print(tostring(self.prefix) .. ':input\n', sizeOf(input))
      return input
   end
   function PrintSize:updateGradInput(_, gradOutput)
      print(tostring(self.prefix) .. ':gradOutput\n', sizeOf(gradOutput))
      self.gradInput = gradOutput
      return gradOutput
   end
   -- both are the caller's
   function PrintSize:clearState() return nn.utils.letGo(self) end
end

do
   -- Prints how long `print_interval` passes through a module took, forwards and backwards.
   local Profile, parent = torch.class('nn.Profile', 'nn.Decorator')
   function Profile:__init(module, print_interval, name)
      if not torch.isTypeOf(module, 'nn.Module') then
         expect.fail('Profile', 'a module expected, got %s', expect.brief(module))
      end
      parent.__init(self, module)
      self.print_interval = expect.whole('Profile', print_interval or 100, 'the number of passes', 1)
      self.name = name or torch.type(module)
      self.module = module
      self.numFwds, self.numBwds, self.summedFwdTime, self.summedBwdTime = 0, 0, 0, 0
      self.timer = torch.Timer()
   end

   for method, spec in pairs {
      updateOutput = { 'numFwds', 'summedFwdTime', 'forward' }, updateGradInput = { 'numBwds', 'summedBwdTime', 'backward' },
   } do
      local count, sum, says = unpack(spec)
      Profile[method] = function(self, ...)
         self.timer:reset()
         local result = parent[method](self, ...)
         self[sum] = self[sum] + self.timer:time().real
         self[count] = self[count] + 1
         if self[count] == self.print_interval then
            print(string.format('%s took %f seconds for %d %s passes', self.name, self[sum], self.print_interval, says))
            self[count], self[sum] = 0, 0
         end
         return result
      end
   end
end
