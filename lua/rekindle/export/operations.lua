-- Operations of ONNX as expressions of PyTorch: functions of the inputs' texts, the node and the graph.
local operations = {}

local function number(v)
   if v == math.huge then return "float('inf')" end
   if v == -math.huge then return "-float('inf')" end
   -- the shortest text that means the number
   local text = string.format('%.15g', v)
   return tonumber(text) == v and text or string.format('%.17g', v)
end
operations.number = number

local function tuple(list)
   local parts = {}
   for i, v in ipairs(list) do parts[i] = number(v) end
   return '(' .. table.concat(parts, ', ') .. (#parts == 1 and ',)' or ')')
end
operations.tuple = tuple
local function plain(list)
   local parts = {}
   for i, v in ipairs(list) do parts[i] = number(v) end
   return table.concat(parts, ', ')
end

-- The text with the arguments in the places of %1, %2 ...
local function form(text)
   return function(a) return (text:gsub('%%(%d)', function(i) return a[tonumber(i)] or 'None' end)) end
end

for op, text in pairs {
   Add = '%1 + %2', Sub = '%1 - %2', Mul = '%1 * %2', Div = '%1 / %2', Pow = '%1 ** %2', Neg = '-%1', MatMul = '%1 @ %2',
   Abs = '%1.abs()', Exp = '%1.exp()', Log = '%1.log()', Sqrt = '%1.sqrt()', Relu = 'F.relu(%1)', Sigmoid = 'torch.sigmoid(%1)',
   Tanh = 'torch.tanh(%1)', Softplus = 'F.softplus(%1)', Softsign = 'F.softsign(%1)', Max = 'torch.maximum(%1, %2)',
   Min = 'torch.minimum(%1, %2)', Greater = '%1 > %2', Where = 'torch.where(%1, %2, %3)', Clip = '%1.clamp(%2, %3)',
   PRelu = 'torch.where(%1 > 0, %1, %1 * %2)', Gemm = 'F.linear(%1, %2, %3)', Shape = 'torch.tensor(%1.shape)',
   ReduceProd = '%1.prod().reshape(1)', Compress = '%1[%2]', Identity = '%1',
   ScatterND = '%1.index_put(tuple(%2.unbind(-1)), %3)',
} do operations[op] = form(text) end

function operations.Elu(a, node) return string.format('F.elu(%s, %s)', a[1], number(node.attributes.alpha)) end
function operations.LeakyRelu(a, node)
   return string.format('F.leaky_relu(%s, %s)', a[1], number(node.attributes.alpha))
end
function operations.Softmax(a, node) return string.format('F.softmax(%s, %d)', a[1], node.attributes.axis) end
function operations.LogSoftmax(a, node) return string.format('F.log_softmax(%s, %d)', a[1], node.attributes.axis) end
function operations.Concat(a, node)
   return string.format('torch.cat([%s], %d)', table.concat(a, ', '), node.attributes.axis)
end
function operations.ArgMin(a, node) return string.format('%s.argmin(%d)', a[1], node.attributes.axis) end
function operations.ScatterElements(a, node)
   return string.format('%s.scatter(%d, %s, %s)', a[1], node.attributes.axis, a[2], a[3])
end
function operations.GatherElements(a, node) return string.format('%s.gather(%d, %s)', a[1], node.attributes.axis, a[2]) end

function operations.Reshape(a, node)
   local list = node.inputs[2].list
   if not list then return string.format('%s.reshape(tuple(%s.tolist()))', a[1], a[2]) end
   local parts = {}
   for i, n in ipairs(list) do parts[i] = n == 0 and string.format('%s.size(%d)', a[1], i - 1) or number(n) end
   return string.format('%s.reshape(%s)', a[1], table.concat(parts, ', '))
end
function operations.Transpose(a, node) return string.format('%s.permute(%s)', a[1], plain(node.attributes.perm)) end

local function axes(node) return node.attributes.axes or node.inputs[2].list end
function operations.Squeeze(a, node) return string.format('%s.squeeze(%d)', a[1], axes(node)[1]) end
function operations.Unsqueeze(a, node) return string.format('%s.unsqueeze(%d)', a[1], axes(node)[1]) end
for op, method in pairs { Sum = 'sum', Mean = 'mean', Max = 'amax', Min = 'amin' } do
   operations['Reduce' .. op] = function(a, node)
      return string.format('%s.%s(%d%s)', a[1], method, axes(node)[1], node.attributes.keepdims == 1 and ', keepdim=True' or '')
   end
end

local function colons(axis) return string.rep(':, ', axis) end
function operations.Slice(a, node)
   local first, last, axis = node.inputs[2].list[1], node.inputs[3].list[1], node.inputs[4].list[1]
   local stop = last >= 2 ^ 53 and '' or number(last)
   return string.format('%s[%s%s:%s]', a[1], colons(axis), first == 0 and '' or number(first), stop)
end
function operations.Gather(a, node)
   local axis, index = node.attributes.axis, node.inputs[2]
   return string.format('%s[%s%s]', a[1], colons(axis), index.number and number(index.number) or a[2])
end
function operations.Expand(a, node)
   local list = node.inputs[2].list
   if not list then
      return string.format('%s.expand(torch.broadcast_shapes(%s.shape, tuple(%s.tolist())))', a[1], a[1], a[2])
   end
   local sizes = {}
   for i, n in ipairs(list) do sizes[i] = n == 1 and -1 or n end
   return string.format('%s.expand(%s)', a[1], plain(sizes))
end

function operations.Pad(a, node)
   local pads, modes = node.inputs[2].list, { reflect = 'reflect', edge = 'replicate' }
   local rank, list = #pads / 2, {}
   for d = rank, 1, -1 do
      list[#list + 1] = pads[d]
      list[#list + 1] = pads[rank + d]
   end
   while #list > 2 and list[#list] == 0 and list[#list - 1] == 0 do list[#list], list[#list - 1] = nil, nil end
   local mode = modes[node.attributes.mode]
   -- others than constants come to the last two or three dimensions, whatever is zero
   if mode and #list == 2 and rank >= 3 then list[3], list[4] = 0, 0 end
   local how = mode and ", mode='" .. mode .. "'" or ', value=' .. a[3]
   return string.format('F.pad(%s, (%s)%s)', a[1], plain(list), how)
end
function operations.Resize(a, node)
   local at, factors = node.attributes, node.inputs[3].numbers
   if at.mode == 'nearest' then
      return string.format('F.interpolate(%s, scale_factor=(%s))', a[1], plain { unpack(factors, 3) })
   end
   local mode = ({ [1] = 'linear', [2] = 'bilinear', [3] = 'trilinear' })[at._dims]
   local how = at._sizes and '(' .. plain(at._sizes) .. ')' or 'scale_factor=(' .. plain { unpack(factors, 3) } .. ')'
   return string.format("F.interpolate(%s, %s, mode='%s', align_corners=True)", a[1], how, mode)
end

local TYPES = { [1] = 'torch.float32', [7] = 'torch.int64', [9] = 'torch.bool', [11] = 'torch.float64' }
function operations.Cast(a, node) return string.format('%s.to(%s)', a[1], TYPES[node.attributes.to]) end
function operations.OneHot(a, node)
   return string.format('F.one_hot(%s, %s).to(%s.dtype)', a[1], number(node.inputs[2].number), a[3])
end
function operations.TopK(a, node)
   local at = node.attributes
   return string.format('torch.topk(%s, %d, %d, largest=%s)', a[1], node.inputs[2].list[1], at.axis,
      at.largest == 1 and 'True' or 'False')
end

-- ---- windows ----

function operations.Conv(a, node)
   local at = node.attributes
   local n = #at.kernel_shape
   return string.format('F.conv%dd(%s, %s, %s, %s, %s, %s, %d)', n, a[1], a[2], a[3] or 'None', tuple(at.strides),
      tuple { unpack(at.pads, 1, n) }, tuple(at.dilations), at.group)
end
function operations.ConvTranspose(a, node)
   local at = node.attributes
   local n = #at.kernel_shape
   return string.format('F.conv_transpose%dd(%s, %s, %s, %s, %s, %s)', n, a[1], a[2], a[3] or 'None', tuple(at.strides),
      tuple { unpack(at.pads, 1, n) }, tuple(at.output_padding))
end
function operations.MaxPool(a, node)
   local at = node.attributes
   local what = #node.outputs > 1 and 'max_pool_places(F.max_pool%dd, %s' or 'F.max_pool%dd(%s'
   return string.format(what .. ', %s, %s, %s, %s, ceil_mode=%s)', #at.kernel_shape, a[1], tuple(at.kernel_shape),
      tuple(at.strides), tuple(at._pad), tuple(at.dilations), at._ceil and 'True' or 'False')
end
operations.helpers = {
   MaxPool = [[
def max_pool_places(pool, x, *options, ceil_mode):
    """Maxima, and their places among all elements of x in a row."""
    y, places = pool(x, *options, ceil_mode=ceil_mode, return_indices=True)
    planes = torch.arange(y.size(0) * y.size(1), device=x.device).reshape(y.shape[:2] + (1,) * (y.dim() - 2))
    return y, places + planes * x[0, 0].numel()
]],
}
function operations.AveragePool(a, node)
   local at = node.attributes
   return string.format('F.avg_pool%dd(%s, %s, %s)', #at.kernel_shape, a[1], tuple(at.kernel_shape), tuple(at.strides))
end
function operations.BatchNormalization(a, node)
   return string.format('F.batch_norm(%s, %s, %s, %s, %s, eps=%s)', a[1], a[4], a[5], a[2], a[3],
      number(node.attributes.epsilon))
end
function operations.DepthToSpace(a, node) return string.format('F.pixel_shuffle(%s, %d)', a[1], node.attributes.blocksize) end
function operations.LRN(a, node)
   local at = node.attributes
   return string.format('F.local_response_norm(%s, %d, %s, %s, %s)', a[1], at.size, number(at.alpha), number(at.beta),
      number(at.bias))
end

return operations
