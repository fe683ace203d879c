-- Dimensions as modules are told about them: counted from 1, or from the end where negative; a batch comes before them.
local dimensions = {}

-- A place among `count`, counted from the start.
function dimensions.fromStart(place, count) return place < 0 and count + place + 1 or place end

-- Where dimension `d` lies in a tensor of `dims` dimensions, when a sample has `sampleDims` (nil: not told).
function dimensions.locate(d, dims, sampleDims)
   if d < 0 then return dims + d + 1 end
   return sampleDims and dims == sampleDims + 1 and d + 1 or d
end

-- Sizes given as numbers or as one LongStorage, as a LongStorage of their own.
function dimensions.sizes(first, ...)
   if torch.typename(first) == 'torch.LongStorage' then return torch.LongStorage(first:size()):copy(first) end
   return torch.LongStorage { first, ... }
end

-- Sizes as text.
function dimensions.text(sizes, mark) return table.concat(sizes:totable(), mark or 'x') end

return dimensions
