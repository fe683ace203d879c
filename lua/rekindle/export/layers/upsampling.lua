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

-- Between the elements, with those at the corners in the corners: to these sizes, or by a factor where they are open.
local function linear(g, x, sizes, factor)
   return g:batched(x, #sizes + 2, function(v)
      local dims, factors, open = g.dims(v), { 1, 1 }, false
      for i, n in ipairs(sizes) do
         local from = dims[i + 2]
         open = open or type(from) ~= 'number'
         factors[i + 2] = open and 1 or n / from
      end
      if open then
         if not factor then g:cannot('the sizes of its input are open, and it has no factor') end
         for i = 3, #factors do factors[i] = factor end
         return g:op('Resize', { v, g:roi(), g:floats(factors) },
            { mode = 'linear', coordinate_transformation_mode = 'align_corners', _dims = #sizes })
      end
      -- factors that do not give the sizes in single precision are taken a little larger
      for i = 3, #factors do
         local from, wanted = dims[i], sizes[i - 2]
         if math.floor(from * torch.FloatTensor { factors[i] }[1]) ~= wanted then factors[i] = (wanted + 0.25) / from end
      end
      return g:op('Resize', { v, g:roi(), g:floats(factors) },
         { mode = 'linear', coordinate_transformation_mode = 'align_corners', _sizes = sizes, _dims = #sizes })
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
layers.declare('SpatialUpSamplingBilinear', function(g, m, x, call)
   return linear(g, x, last(call, 2), m.scale_factor)
end)
layers.declare('UpSampling', function(g, m, x, call)
   local count = g.rank(x) - 2
   if m.mode == 'nearest' then
      g:torch('nn.Upsample(scale_factor=%d)', m.scale_factor)
      return nearest(g, x, m.scale_factor, count)
   end
   return linear(g, x, last(call, count), m.scale_factor)
end)

layers.declare('PixelShuffle', function(g, m, x)
   local r = m.upscaleFactor
   g:torch('nn.PixelShuffle(%d)', r)
   return g:batched(x, 4, function(v)
      return g:op('DepthToSpace', { v }, { blocksize = r, mode = 'CRD' })
   end)
end)
