-- How `th` runs programs: script files, strings, the standard input, what is typed.
local absent = require 'rekindle.absent'
local report = require 'rekindle.report'
local run = {}

-- What the standard output held back and could not write at the end: the text of an error, or nil. What did not fit
-- earlier fails again, or left the stream's mark.
local stdout, failed = io.stdout, nil
local function unwritten()
   if failed then return failed end
   if io.type(stdout) ~= 'file' then return nil end
   local ok, why = stdout:flush()
   if not ok then return 'cannot write to the standard output: ' .. tostring(why) end
end

-- Shows the pictures that wait for the end of a command or a program.
local function show_pictures()
   local pictures = package.loaded['rekindle.pictures']
   if pictures then pictures.finish() end
end

-- Runs a function. Gives its error's text, or nil.
local function failure(chunk, ...)
   local args, n = { ... }, select('#', ...)
   local ok, why = xpcall(function() return chunk(unpack(args, 1, n)) end, report.handler)
   show_pictures()
   local mpi = package.loaded['torchmpi.env']
   if not ok then
      if mpi and mpi._finish then
         -- the others would wait for this process for ever
         io.stderr:write('th: ', tostring(why), '\n')
         mpi._finish(true)
      end
      return why
   end
   local threads = package.loaded.threads
   if type(threads) == 'table' and threads._finish then threads._finish() end
   if mpi and mpi._finish then
      ok, why = pcall(mpi._finish, false)
      if not ok then return tostring(why) end
   end
   return unwritten()
end

-- what stands before the script on the command line: arg[-1], arg[-2] ...
local before = {}

-- the global `arg` as Lua's own interpreter sets it
local function set_arg(name, args)
   arg = { [0] = name }
   for i, a in ipairs(before) do arg[i - #before - 1] = a end
   for i, a in ipairs(args) do arg[i] = a end
end

function run.run_file(path, args)
   set_arg(path, args)
   run.script = path
   local chunk, why = loadfile(path)
   if not chunk then return report.syntax(why, '@' .. path) end
   return failure(chunk, unpack(args))
end

function run.run_string(code, args)
   set_arg(nil, args)
   absent.texts['=(command line)'] = code
   local chunk, why = loadstring(code, '=(command line)')
   if not chunk then return report.syntax(why, '=(command line)') end
   return failure(chunk, unpack(args))
end

-- The program that the standard input held: an expression shows its value, and so do the lines of what is no program
-- as a whole, as if they had been typed.
function run.run_input(code, args)
   set_arg('-', args)
   code = code:gsub('^#[^\n]*', '')
   absent.texts['=stdin'] = code
   local session = require 'rekindle.session'
   local shown = not code:find('...', 1, true) and loadstring('return ' .. code .. '\n', '=stdin')
   if not shown then
      local chunk, why = loadstring(code, '=stdin')
      if chunk then return failure(chunk, unpack(args)) end
      if not session.is_typed(code) then
         absent.texts['=stdin'] = code
         return report.syntax(why, '=stdin')
      end
   end
   local first
   session.share_input()
   session.interact(code, report.handler, function(text)
      first = text
      return true
   end)
   show_pictures()
   return first or unwritten()
end

function run.library(name)
   return failure(function()
      local module = require(name)
      local short = name:match('[^.]+$')
      if rawget(_G, short) == nil then rawset(_G, short, module) end
   end)
end

-- Output to another program is written as it comes.
local is_unbuffered = false
function run.unbuffered()
   if is_unbuffered then return end
   is_unbuffered = true
   stdout:setvbuf('no')
   require('rekindle.print').check()
   -- nothing is kept that would fail again at the end
   local write = io.write
   function io.write(...)
      local file, why = write(...)
      if not file and io.output() == stdout then failed = 'cannot write to the standard output: ' .. tostring(why) end
      return file, why
   end
   require('rekindle.native').own_functions[io.write] = true
end

-- Tells of globals from now on, as warnings or as errors.
function run.globals(strict) require('rekindle.globals').guard(strict) end

-- A command of `th` itself; the text of an error.
function run.tool(name, args)
   -- what the user gave is wrong, not the program: no frames
   local ok, why = pcall(require('rekindle.' .. name).main, args)
   return not ok and tostring(why) or unwritten()
end

-- texts know `%` and the methods of pl.stringx, which is loaded when one of them is asked for
local function penlight()
   local function stringx() return require 'pl.stringx' end
   local texts = getmetatable ''
   texts.__mod = function(a, b)
      stringx().format_operator()
      return texts.__mod(a, b)
   end
   setmetatable(string, { __index = function(_, name)
      local f = type(name) == 'string' and stringx()[name]
      return type(f) == 'function' and f or nil
   end })
   -- modules of Penlight are globals
   local is_embedded = require('rekindle.native').functions.embedded.has
   setmetatable(_G, { __index = function(globals, name)
      if type(name) ~= 'string' or not is_embedded('packages.pl.' .. name) then return nil end
      local ok, module = pcall(require, 'pl.' .. name)
      if not ok then return nil end
      rawset(globals, name, module)
      return module
   end })
end

-- the packages that Torch7's th loads before anything else
function run.prelude(command, colours)
   before = command
   report.colours = colours
   require 'rekindle.print'
   for _, name in ipairs { 'paths', 'sys', 'xlua', 'dok' } do
      if require('rekindle.native').functions.embedded.has(name) then require(name) end
   end
   penlight()
end

-- `--profile`: times modules and criteria from now on, with a trace where a file is named; the text of an error
function run.profile(path) return require('rekindle.profile').start(path) end

-- prints the times and writes the trace; the text of an error
function run.profiled() return require('rekindle.profile').finish() end

-- ---- the interactive session ----

local function session() return require 'rekindle.session' end

-- begins a session, in colours or without; the text of an error of the user's startup file
function run.session(colours, startup)
   require('rekindle.display').colours = colours
   session().share_input()
   return session().start(startup)
end

function run.startup(path)
   local chunk, why = loadfile(path)
   if not chunk then return report.syntax(why, '@' .. path) end
   return failure(chunk)
end

function run.open_part(text) return session().open_part(text) end

function run.complete(head) return session().complete(head) end

-- runs what was typed; its errors go to `tell`, or to the standard error
function run.interact(text, tell)
   session().interact(text, report.handler, tell or function(why) io.stderr:write(tostring(why), '\n') end)
   show_pictures()
   io.stdout:flush()
   io.stderr:flush()
end

-- ---- the kernel of notebooks ----

local function notebook() return require 'rekindle.notebook' end

-- `th kernel` with these arguments: the text of an error, or the connection file of a kernel to run
function run.kernel(args, program)
   -- what the user gave is wrong, not the program: no frames
   local ok, file = pcall(require('rekindle.kernel').main, args, program)
   if not ok then return tostring(file) end
   return unwritten(), file
end

for _, name in ipairs { 'cell', 'inspect', 'is_complete', 'expression', 'leaves' } do
   run[name] = function(...) return notebook()[name](...) end
end

-- begins a notebook; the text of an error of the user's startup file
function run.notebook(startup) return notebook().start(startup) end

return run
