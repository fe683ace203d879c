-- Files of older versions of nn lack fields that came later. What such a field was before it existed is the class's
-- own value for it, or is made when the object is read.
local defaults = {
   -- cuDNN's has no fields for them
   ReLU = { threshold = 0, val = 0 },
   HardTanh = { min_val = -1, max_val = 1 },
   SoftPlus = { threshold = 20, beta = 1 },
   Narrow = { length = 1 },
}
for name, fields in pairs(defaults) do
   local class = nn[name] and torch.getmetatable('nn.' .. name)
   if class then
      for k, v in pairs(fields) do
         if class[k] == nil then class[k] = v end
      end
   end
end

-- runs `complete` on what was read
local function after_reading(name, complete)
   local class = nn[name] and torch.getmetatable('nn.' .. name)
   if not class then return end
   local read = class.read
   function class:read(file, ...)
      if read then read(self, file, ...) else nn.Module.read(self, file) end
      complete(self)
   end
end

local function add_totals(self)
   local like = torch.isTensor(self.weights) and self.weights or torch.isTensor(self.gradInput) and self.gradInput
   local function one(v) return (like and like.new or torch.Tensor)(1):fill(v) end
   self.output_tensor = self.output_tensor or one(0)
   self.total_weight_tensor = self.total_weight_tensor or one(1)
   self.target = self.target or torch.LongTensor { 0 }
end
after_reading('ClassNLLCriterion', add_totals)
after_reading('SpatialClassNLLCriterion', add_totals)
after_reading('CMul', function(self) self.size = self.size or self.weight and self.weight:size() end)
