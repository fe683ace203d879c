-- Package unsup: sparse coding, predictors of codes, principal components, whitening and k-means.
require 'unsup.modules'

-- x:shrinkage(lambda), in place: towards zero by lambda, and zero where it was nearer than that
local soft = nn.SoftShrink()
for _, name in ipairs { 'torch.FloatTensor', 'torch.DoubleTensor' } do
   local Tensor = torch.getmetatable(name)
   function Tensor:shrinkage(lambda)
      if type(lambda) ~= 'number' or lambda < 0 then
         error('shrinkage: expected a number that is not negative, got ' .. tostring(lambda), 2)
      end
      if lambda > 0 then
         soft:type(name)
         soft.lambda = lambda
         self:copy(soft:updateOutput(self))
      end
      return self
   end
end

require 'unsup.fista'
require 'unsup.predictors'
require 'unsup.trainer'
require 'unsup.analysis'

return unsup
