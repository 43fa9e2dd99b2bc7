-- Nodes come together over a store that is not what it was. The key holds a field for each node that
-- is there, with when it last said so, its point, whether all members know it, for how long it had been
-- out of touch when it noticed the loss, and the members it knows; and under names that no node has, the
-- server's run, since when they gather, and who was told to write the sale under which epoch.

do

local IN_TOUCH_MISSING_MS = 60000
-- How long the key is kept after anybody registered.
local QUORUM_KEPT_MS = 60000

-- A node from the arguments of its call, but for the first.
local function node_of(at, words)
  return {
    at = at, point = read_point(words, 1), is_known = words[4], out_of_touch = words[5],
    members = { unpack(words, 6) },
  }
end

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
      nodes[name] = node_of(tonumber(words[1]), { unpack(words, 2) })
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
  local words = { unpack(args, 4) }
  nodes[args[1]] = node_of(at, words)
  insert(words, 1, string.format('%.0f', at))
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

-- The name of the node that came furthest.
local function furthest(nodes)
  local longest
  for _, name in ipairs(names_of(nodes)) do
    local point = nodes[name].point
    if not longest or is_further(point, nodes[longest].point) then
      longest = name
    end
  end
  return longest
end

-- Whether the store has all that a node has. It counts as having all of a node whose place in the stream was
-- trimmed away, unless that node is in a later epoch.
local function has_all(s, point)
  if not s or s.status ~= 'open' or not is_whole(s) then
    return false
  end
  local refusal = mismatch(s, point)
  return not refusal or (refusal[1] == 'trimmed' and point.epoch <= s.last_epoch)
end

-- Whether the store has all that any of the nodes has. What a node knows from an earlier epoch was left
-- behind when the sale was rebuilt without it, and has been accounted for since.
local function has_all_of_all(s, nodes, longest)
  local latest = nodes[longest].point
  if not has_all(s, latest) then
    return false
  end
  for _, node in pairs(nodes) do
    if node.point.epoch == latest.epoch and not has_all(s, node.point) then
      return false
    end
  end
  return true
end

-- Whether a node that is here was in touch with the store until the loss: it knows all nodes that may have
-- acknowledged anything. Those that were away may never have heard of some. What a missing node may have
-- done meanwhile is set aside by the second, so then it has to have been in touch until shortly before.
local function has_witness(nodes, is_any_missing)
  for _, node in pairs(nodes) do
    local ms = tonumber(node.out_of_touch)
    if ms and (not is_any_missing or ms <= IN_TOUCH_MISSING_MS) then
      return true
    end
  end
  return false
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

-- Adds what the one that writes the sale has to know of those who are there: name, point, whether all
-- members know it, how long it was out of touch, and whether the store has another history.
local function add_present(answer, s, nodes, longest)
  local has_longest = has_all(s, nodes[longest].point)
  for _, name in ipairs(names_of(nodes)) do
    local node = nodes[name]
    local refusal = has_longest and mismatch(s, node.point)
    local is_forked = refusal and refusal[1] == 'diverged' and node.point.epoch == nodes[longest].point.epoch
    for _, value in ipairs({ name, node.point.epoch, node.point.seq, node.point.chain, node.is_known,
      node.out_of_touch, is_forked and '1' or '0' }) do
      insert(answer, value)
    end
  end
  return answer
end

local function with_names(answer, names)
  for _, name in ipairs(names) do
    insert(answer, name)
  end
  return answer
end

-- Whether a store that says it is open lacks what a node knows: it was set back while it ran. Others may
-- have gone on from there, so that its stream is as long again: then the node's last entry is not in it.
local function is_set_back(s, point)
  if is_further(point, { epoch = s.last_epoch, seq = s.seq }) then
    return true
  end
  local refusal = mismatch(s, point)
  return refusal and refusal[1] == 'diverged' and point.epoch == s.last_epoch
end

-- What those who are there come to.
local function settle(keys, s, nodes, notes, caller, wait_ms, run, at)
  local longest = furthest(nodes)
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
  elseif #missing == 0 and has_all_of_all(s, nodes, longest) then
    redis.call('HSET', keys[META], 'run', run)
    redis.call('UNLINK', keys[QUORUM])
    return { 'ok', 'open', s.epoch }
  elseif not has_witness(nodes, #missing > 0) then
    return with_names({ 'ok', 'unsure' }, names_of(nodes))
  elseif caller ~= longest or nodes[longest].point.seq == 0 then
    return wait
  end
  table.sort(missing)
  local epoch = grant(keys, s, notes, nodes, longest)
  -- A store that went on from an earlier state has given out what the longest does not know of.
  local answer = { 'ok', 'rebuild', epoch, s and s.issued or 0, s and s.holds or 0, #missing }
  return add_present(with_names(answer, missing), s, nodes, longest)
end

-- The node; as who it loads; how long the missing are waited for; its point; whether all members know it;
-- how long it was out of touch when it noticed the loss, or `-` when it may have been for too long; the
-- members it knows.
local function quorum(keys, args)
  local s, run, at = read_meta(keys), run_id(), clock()
  if s and s.status == 'gone' then
    return { 'unknown' }
  elseif s and s.status == 'open' and s.run == run then
    if is_whole(s) and not is_set_back(s, read_point(args, 4)) then
      return { 'ok', 'open', s.epoch }
    end
    -- It lost facts though it was not restarted. No node goes on before all have met.
    s.run = ''
    redis.call('HSET', keys[META], 'run', '')
  end
  -- Nodes that ask nothing at present have not noticed yet.
  say_moved(keys)
  -- Also while another node loads, so that no wait begins again if that node dies of it.
  local nodes, notes = register_caller(keys, args, run, at)
  -- Its own load did not come to its end, or it would not ask.
  if is_loading(s, run) and s.loader ~= args[2] then
    return { 'ok', 'loading', s.epoch, max(at - s.loaded_at, 0) }
  end
  return settle(keys, s, nodes, notes, args[1], tonumber(args[3]), run, at)
end

-- Has nodes that know a sale come together for it if the store lost it: somebody is about to make one of its name.
-- Answers how many connections heard that.
local function summon(keys)
  return { 'ok', say_moved(keys) }
end

register('quorum', quorum)
register('summon', summon)

end
