-- What is known of packages that programs for Torch7 require and that are not found: for the first line of the message.
local rocks = {}

-- what needs a device: the packages that `th --cuda cpu` has, and others
local gpu, standing = {}, {}
for name in ('nccl cunnsparse fbcunn fbcuda cltorch clnn'):gmatch('%S+') do gpu[name] = true end
for name in ('cutorch cunn cudnn cunnx inn'):gmatch('%S+') do gpu[name], standing[name] = true, true end

-- Whether a package is about a device that this process does not offer.
function rocks.needs_device(name)
   return standing[name:match('^[^./]+') or name] and not torch.getmetatable('torch.CudaTensor')
end

-- what has another name here
local elsewhere = {
   ['torch7'] = 'torch', ['libtorch'] = 'torch', ['libpaths'] = 'paths', ['libsys'] = 'sys', ['libimage'] = 'image',
   ['penlight'] = 'pl', ['luafilesystem'] = 'lfs', ['lua-cjson'] = 'cjson', ['json'] = 'cjson',
   ['libcjson'] = 'cjson', ['csv'] = 'csvigo', ['libtds'] = 'tds', ['libthreads'] = 'threads', ['readline'] = 'trepl',
   ['treplutils'] = 'trepl', ['gm'] = 'graphicsmagick', ['argparse'] = 'pl.lapp', ['moses_min'] = 'moses',
}

-- rocks by the name that programs require
local available = {
   socket = 'luasocket', mime = 'luasocket', ['socket.http'] = 'luasocket', ssl = 'luasec', lpeg = 'lpeg', re = 'lpeg',
   zlib = 'lua-zlib', posix = 'luaposix', lsqlite3 = 'lsqlite3', utf8 = 'luautf8', yaml = 'yaml',
   lyaml = 'lyaml', inspect = 'inspect', serpent = 'serpent', redis = 'redis-lua', ['30log'] = '30log',
   middleclass = 'middleclass', busted = 'busted', luaunit = 'luaunit', date = 'date', struct = 'struct',
   MessagePack = 'lua-messagepack', mobdebug = 'mobdebug', template = 'etlua',
   lmdb = 'lightningmdb', lightningmdb = 'lightningmdb', async = 'async', turbo = 'turbo',
   rex_pcre = 'lrexlib-pcre', rex_posix = 'lrexlib-posix',
}
for name in ([[rnn dpnn torchnet nninit optnet torchx dataload hdf5 autograd totem nnlr nngraph-utils
   distributions signal matio sundown rnnlib vgg cifar waffle dp eigen inn-cpu tensorboard word2vec_torch
   hash lbase64 luacrypto senna lua-llthreads gfx qtlua kmeans ffmpeg
   xt stn iterm nnsparse manifold metriclearning unsup-extra]]):gmatch('%S+') do
   available[name] = available[name] or name
end

-- parts in C that are compiled with Torch7's own headers and linked with its libraries
local native = {}
for name in ('cephes fbnn audio camera fex imgraph svm'):gmatch('%S+') do native[name] = true end

-- One sentence about a package, or nil.
function rocks.hint(name)
   local top = name:match('^[^./]+') or name
   if rocks.needs_device(name) then
      return string.format("'%s' needs a GPU, which this build does not use; `th --cuda cpu` has it compute on the CPU", top)
   end
   if gpu[top] then
      return string.format("'%s' needs a GPU, which this build does not use; programs that ask with pcall go on without", top)
   end
   local own = elsewhere[name] or elsewhere[top]
   if own then return string.format("what it does is built in under another name: require '%s'", own) end
   if native[top] then
      return string.format("'%s' has parts in C that are built against Torch7's own library (TH), which this program does without", top)
   end
   if top == 'parallel' or top == 'libluazmq' then
      return "its processes talk over ZeroMQ, which this program does without; threads, ipc and torchmpi are built in"
   end
   local rock = available[name] or available[top]
   if rock then
      return string.format("there is a rock: luarocks --lua-version 5.1 install --local %s", rock)
   end
end

return rocks
