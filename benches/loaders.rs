//! Loading a batch of pictures and learning from it: one after the other, and with two threads that load the next batches
//! meanwhile. The last row against the sum of the first two tells what time the threads hide.

mod common;

fn main() -> anyhow::Result<()> {
    common::run(
        "loaders",
        r#"
        require 'nn' require 'image' threads = require 'threads'
        threads.serialization('threads.sharedserialize')
        local picture = torch.rand(3, 48, 48)
        function load()
            local image, batch = require 'image', torch.Tensor(16, 3, 32, 32)
            for i = 1, 16 do batch[i]:copy(image.crop(image.rotate(picture, 0.01 * i), 8, 8, 40, 40)) end
            return batch
        end
        model = nn.Sequential():add(nn.SpatialConvolution(3, 16, 5, 5)):add(nn.ReLU()):add(nn.SpatialMaxPooling(2, 2))
            :add(nn.View(16 * 14 * 14)):add(nn.Linear(16 * 14 * 14, 10))
        criterion, target = nn.MSECriterion(), torch.zeros(16, 10)
        function learn(batch)
            model:zeroGradParameters()
            criterion:forward(model:forward(batch), target)
            model:backward(batch, criterion:backward(model.output, target))
            model:updateParameters(1e-4)
        end
        batch = load()
        pool = threads.Threads(2, function(k) require 'torch' torch.setnumthreads(1) end)
        for _ = 1, 2 do pool:addjob(load, learn) end"#,
        &[
            ("load", "load()"),
            ("learn", "learn(batch)"),
            ("load, then learn", "learn(load())"),
            ("learn while two threads load", "pool:addjob(load, learn) pool:dojob()"),
        ],
    )
}
