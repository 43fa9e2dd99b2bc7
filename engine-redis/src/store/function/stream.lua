-- The stream: whether the node and the store know the same history, what the stream is given, and how
-- calls are answered. Each answer is a list whose first item says how it went.

local function entry_id(epoch, seq)
  return string.format('%.0f-%.0f', epoch, seq)
end

-- The place in the stream that a node has come to, from three arguments.
local function read_point(args, at)
  return { epoch = tonumber(args[at]), seq = tonumber(args[at + 1]), chain = args[at + 2] }
end

-- Where the stream's first entry stands that is still there; nil when there is none.
local function first_seq(s)
  local first = redis.call('XRANGE', s.keys[FACTS], '-', '+', 'COUNT', 1)[1]
  return first and tonumber(first[2][6])
end

-- Nothing when the stream has the point: the node's history is a beginning of ours. Otherwise why not.
local function mismatch(s, point)
  if point.seq == s.seq and point.epoch == s.last_epoch and point.chain == s.chain then
    return nil
  end
  local diverged = { 'diverged', s.last_epoch, s.seq, s.chain }
  if point.seq >= s.seq then
    return diverged
  end
  local id = entry_id(point.epoch, point.seq)
  local found = redis.call('XRANGE', s.keys[FACTS], id, id)[1]
  if found then
    return found[2][8] ~= point.chain and diverged or nil
  end
  local first = first_seq(s) or s.seq + 1
  local base = point.seq == s.base_seq and first == point.seq + 1
  if base then
    local same = point.epoch == s.base_epoch and point.chain == s.base_chain
    return not same and diverged or nil
  end
  return point.seq < first and { 'trimmed', first } or diverged
end

-- The server's name for itself, a new one whenever it starts. Asked for once: what a library keeps
-- ends with the server's process.
local run
local function run_id()
  run = run or string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  return run
end

-- Whether a node is writing the sale, and did not die of it.
local function is_loading(s, run)
  return s and s.status == 'loading' and s.run == run and clock() - s.loaded_at < LOAD_SILENT_MS
end

-- The sale, open; or the answer that says what is not so.
local function opened(keys)
  local s = read_meta(keys)
  if not s or s.status == 'gone' then
    return nil, { 'unknown' }
  elseif s.status ~= 'open' then
    return nil, { 'loading', s.epoch }
  elseif not is_whole(s) then
    return nil, { 'unknown' }
  end
  return s
end

-- The sale for a call that changes it: only on the server where it was opened, in the epoch that the
-- node believes in, and with a history that the node's is a beginning of.
local function writable(keys, epoch, point)
  local s, refusal = opened(keys)
  if s and s.run ~= run_id() then
    refusal = { 'restarted', s.seq }
  elseif s and epoch ~= s.epoch then
    refusal = { 'epoch', s.epoch }
  end
  refusal = refusal or mismatch(s, point)
  if refusal then
    return nil, refusal
  end
  return s
end

-- Adds entries after `point` to an answer: time, epoch, seq, chain and records of each.
local function add_entries(s, answer, point, count)
  local after = '(' .. entry_id(point.epoch, point.seq)
  for _, entry in ipairs(redis.call('XRANGE', s.keys[FACTS], after, '+', 'COUNT', count)) do
    local fields = entry[2]
    for value = 2, 10, 2 do
      insert(answer, fields[value])
    end
  end
  return answer
end

local function write_entry(s, epoch, seq, chain, at, records)
  redis.call('XADD', s.keys[FACTS], 'MAXLEN', '~', FACTS_ENTRIES_MAX, entry_id(epoch, seq),
    'at', at, 'epoch', epoch, 'seq', seq, 'chain', chain, 'records', records)
end

-- A sale has stood still for so long: nodes may ask no more whether it moved. They go on for two seconds
-- after the last entry that they read.
local STILL_MS = 1000

-- Tells the nodes that a sale moves; answers how many connections of this server heard it. One that may not publish
-- does without: its nodes ask all the time.
local function say_moved(keys)
  local prefix, tag = string.match(keys[META], '^(.*):{(%x+)}:')
  local heard = redis.pcall('PUBLISH', prefix .. ':moved', tag)
  return type(heard) == 'number' and heard or 0
end

-- Makes the decided facts the stream's next entry and writes what they changed. The entry comes first:
-- it is the one write that Redis could refuse.
local function commit(s, fields)
  local records = join(s.records)
  s.records = { records }
  s.last_epoch, s.seq = s.epoch, s.seq + 1
  s.chain = redis.sha1hex(s.chain .. pack('<I8', s.at) .. records)
  write_entry(s, s.epoch, s.seq, s.chain, s.at, records)
  save(s)
  s.present = count_present(s.keys)
  save_meta(s, fields)
  -- After a step back the sale's time stands still, so that it does not show how long nothing moved.
  if s.is_clock_set or s.at - s.moved_at >= STILL_MS then
    say_moved(s.keys)
  end
end

-- Registers a call, which binds first what the load of the library could not.
local function register(name, call, flags)
  redis.register_function({
    function_name = 'rushgate_2_' .. name,
    callback = function(keys, args)
      if not pack then
        bind()
        list_fields()
      end
      return call(keys, args)
    end,
    flags = flags or {},
  })
end
