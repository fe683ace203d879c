-- More rows and columns than the input has.
local layers = require 'rekindle.export.layers'

-- Each element `factor` times along the last `count` dimensions.
local function nearest(g, x, factor, count)
   return g:batched(x, count + 2, function(v)
      local scales = {}
      for i = 1, count + 2 do scales[i] = i <= 2 and 1 or factor end
      return g:op('Resize', { v, g:roi(), g:floats(scales) },
         { mode = 'nearest', coordinate_transformation_mode = 'asymmetric', nearest_mode = 'floor' })
   end)
end

-- Between the elements, with those at the corners in the corners.
local function linear(g, x, sizes)
   return g:batched(x, #sizes + 2, function(v)
      local dims, factors = g.dims(v), { 1, 1 }
      for i, n in ipairs(sizes) do
         local from = dims[i + 2]
         if type(from) ~= 'number' then g:cannot('the size of its planes depends on the batch') end
         factors[i + 2] = n / from
      end
      -- factors that do not give the sizes in single precision are taken a little larger
      for i = 3, #factors do
         local from, wanted = dims[i], sizes[i - 2]
         if math.floor(from * torch.FloatTensor { factors[i] }[1]) ~= wanted then factors[i] = (wanted + 0.25) / from end
      end
      return g:op('Resize', { v, g:roi(), g:floats(factors) },
         { mode = 'linear', coordinate_transformation_mode = 'align_corners', _sizes = sizes })
   end)
end

local function last(call, n)
   local list = call.y.sizes[1]
   return { unpack(list, #list - n + 1) }
end

layers.declare('SpatialUpSamplingNearest', function(g, m, x)
   if g.rank(x) == 4 then g:torch('nn.UpsamplingNearest2d(scale_factor=%d)', m.scale_factor) end
   return nearest(g, x, m.scale_factor, 2)
end)
layers.declare('SpatialUpSamplingBilinear', function(g, _, x, call)
   local sizes = last(call, 2)
   if g.rank(x) == 4 then g:torch('nn.UpsamplingBilinear2d((%d, %d))', sizes[1], sizes[2]) end
   return linear(g, x, sizes)
end)
layers.declare('UpSampling', function(g, m, x, call)
   local count = g.rank(x) - 2
   if m.mode == 'nearest' then
      g:torch('nn.Upsample(scale_factor=%d)', m.scale_factor)
      return nearest(g, x, m.scale_factor, count)
   end
   local sizes = last(call, count)
   g:torch("nn.Upsample((%s), mode='%slinear', align_corners=True)", table.concat(sizes, ', '), count == 2 and 'bi' or 'tri')
   return linear(g, x, sizes)
end)

layers.declare('PixelShuffle', function(g, m, x, call)
   local r, rank = m.upscaleFactor, g.rank(x)
   g:torch('nn.PixelShuffle(%d)', r)
   return g:batched(x, 4, function(v)
      local n, h, w = g:size(v, 2), g:size(v, 3), g:size(v, 4)
      local parts = g:op('Reshape', { v, g:ints { -1, n / (r * r), r, r, h, w } })
      local turned = g:transpose(parts, { 0, 1, 4, 2, 5, 3 })
      return g:op('Reshape', { turned, g:ints { -1, n / (r * r), h * r, w * r } })
   end)
end)
