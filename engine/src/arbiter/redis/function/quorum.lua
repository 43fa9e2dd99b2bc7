-- Nodes come together over a store that is not what it was. The key holds a field for each node that
-- is there, with when it last said so, its point and the members it knows; and under names that no node
-- has, the server's run, since when they gather, and who was told to write the sale under which epoch.

do

-- How long the key is kept after anybody registered.
local QUORUM_KEPT_MS = 60000

-- Who is there: by name, with time, point and members. What was gathered on another server, with another
-- clock, counts no more, and nodes that do not renew their word are no longer there.
local function gathered(keys, run, at)
  local flat, nodes, notes = redis.call('HGETALL', keys[QUORUM]), {}, {}
  for index = 1, #flat, 2 do
    local name, value = flat[index], flat[index + 1]
    if sub(name, 1, 1) == ':' then
      notes[name] = value
    else
      local words = {}
      for word in string.gmatch(value, '%S+') do
        insert(words, word)
      end
      local point = read_point(words, 2)
      nodes[name] = { at = tonumber(words[1]), point = point, members = { unpack(words, 5) } }
    end
  end
  if notes[':run'] ~= run then
    redis.call('UNLINK', keys[QUORUM])
    return {}, {}
  end
  for name, node in pairs(nodes) do
    if at - node.at >= QUORUM_PRESENT_MS then
      redis.call('HDEL', keys[QUORUM], name)
      nodes[name] = nil
    end
  end
  if not next(nodes) then
    notes[':since'] = nil
  end
  return nodes, notes
end

-- Adds the caller to those who are there.
local function register_caller(keys, args, run, at)
  local nodes, notes = gathered(keys, run, at)
  notes[':since'] = tonumber(notes[':since']) or at
  nodes[args[1]] = { at = at, point = read_point(args, 2), members = { unpack(args, 7) } }
  local words = { string.format('%.0f', at), unpack(args, 2, 4) }
  for index = 7, #args do
    insert(words, args[index])
  end
  redis.call('HSET', keys[QUORUM], args[1], concat(words, ' '), ':run', run, ':since', notes[':since'])
  redis.call('PEXPIRE', keys[QUORUM], QUORUM_KEPT_MS)
  return nodes, notes
end

local function names_of(nodes)
  local names = {}
  for name in pairs(nodes) do
    insert(names, name)
  end
  table.sort(names)
  return names
end

local function is_further(a, b)
  return a.epoch > b.epoch or (a.epoch == b.epoch and a.seq > b.seq)
end

-- The name of the node that came furthest, and the lowest sequence of any.
local function furthest(nodes)
  local longest, lowest
  for _, name in ipairs(names_of(nodes)) do
    local point = nodes[name].point
    if not longest or is_further(point, nodes[longest].point) then
      longest = name
    end
    lowest = min(lowest or point.seq, point.seq)
  end
  return longest, lowest
end

-- Whether the store has all that a node has. One that is so far behind that its place in the stream is
-- gone is, unless its epoch is a later one.
local function has_all(s, point)
  if not s or s.status ~= 'open' or not is_whole(s) then
    return false
  end
  local refusal = mismatch(s, point)
  return not refusal or (refusal[1] == 'trimmed' and point.epoch <= s.last_epoch)
end

-- The epoch under which the longest is to write the sale: higher than any that was seen, and never the
-- same for two nodes.
local function grant(keys, s, notes, nodes, longest)
  local highest = s and s.epoch or 0
  for _, node in pairs(nodes) do
    highest = max(highest, node.point.epoch)
  end
  local granted = tonumber(notes[':epoch']) or 0
  if granted > highest and notes[':granted'] == longest then
    return granted
  end
  granted = max(highest, granted) + 1
  redis.call('HSET', keys[QUORUM], ':epoch', granted, ':granted', longest)
  return granted
end

local function with_names(answer, names)
  for _, name in ipairs(names) do
    insert(answer, name)
  end
  return answer
end

-- What those who are there come to.
local function settle(keys, s, nodes, notes, caller, wait_ms, run, at)
  local longest, lowest = furthest(nodes)
  local missing = {}
  -- Its members are the latest: joining and parting are facts, and it has all that any of the others have.
  for _, name in ipairs(nodes[longest].members) do
    if not nodes[name] then
      insert(missing, name)
    end
  end
  local wait = with_names({ 'ok', 'wait' }, names_of(nodes))
  if #missing > 0 and at - notes[':since'] < wait_ms then
    return wait
  elseif #missing == 0 and has_all(s, nodes[longest].point) then
    redis.call('HSET', keys[META], 'run', run)
    redis.call('UNLINK', keys[QUORUM])
    return { 'ok', 'open', s.epoch }
  elseif caller ~= longest or nodes[longest].point.seq == 0 then
    return wait
  end
  table.sort(missing)
  local epoch = grant(keys, s, notes, nodes, longest)
  return with_names({ 'ok', 'rebuild', epoch, lowest }, missing)
end

-- The node; its point; as who it loads; how long the missing are waited for; the members it knows.
local function quorum(keys, args)
  local s, run, at = read_meta(keys), run_id(), clock()
  if s and s.status == 'gone' then
    return { 'unknown' }
  elseif s and s.status == 'open' and s.run == run then
    local is_ahead = is_further(read_point(args, 2), { epoch = s.last_epoch, seq = s.seq })
    if not is_ahead and is_whole(s) then
      return { 'ok', 'open', s.epoch }
    end
    -- It lost facts though it was not restarted. Nobody goes on before all have come together.
    s.run = ''
    redis.call('HSET', keys[META], 'run', '')
  end
  -- While another loads as well, so that nobody is waited for anew if it dies of it.
  local nodes, notes = register_caller(keys, args, run, at)
  -- Its own load did not come to its end, or it would not ask.
  if is_loading(s, run) and s.loader ~= args[5] then
    return { 'ok', 'loading', s.epoch, max(at - s.loaded_at, 0) }
  end
  return settle(keys, s, nodes, notes, args[1], tonumber(args[6]), run, at)
end

register('quorum', quorum)

end
