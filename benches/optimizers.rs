//! Steps of the methods of optim: a million parameters, float, and a function that costs nothing.

mod common;

fn main() -> anyhow::Result<()> {
    common::run(
        "optimizers",
        r#"
        require "optim"
        x, g = torch.randn(1000000):float(), torch.randn(1000000):float()
        local function f() return 0, g end
        function method(name, config)
           return function() optim[name](f, x, config) end
        end
        sgd, adam = method("sgd", { learningRate = 1e-9 }), method("adam", { learningRate = 1e-9 })
        momentum = method("sgd", { learningRate = 1e-9, momentum = 0.9 })
        decay = method("sgd", { learningRate = 1e-9, momentum = 0.9, weightDecay = 1e-9 })
        nesterov = method("sgd", { learningRate = 1e-9, momentum = 0.9, dampening = 0, nesterov = true })
        nag, asgd = method("nag", { learningRate = 1e-9 }), method("asgd", { eta0 = 1e-9 })
        adamax, adagrad = method("adamax", { learningRate = 1e-9 }), method("adagrad", { learningRate = 1e-9 })
        rprop = method("rprop", { stepsize = 1e-9 })
        adadelta, rmsprop = method("adadelta", {}), method("rmsprop", { learningRate = 1e-9 })
        tiny = torch.FloatTensor(1000000):fill(1e-9)
        decays = method("sgd", { learningRate = 1e-9, weightDecays = tiny, momentum = 0.9 })
        scales, start, y, dy = torch.rand(1000000):float():add(0.5), x:clone(), x:clone(), g:clone()
        local function quadratic(x) return 0.5 * x:dot(dy:cmul(x, scales)), dy end
        function search(name, config)
           return function() optim[name](quadratic, y:copy(start), config, {}) end
        end
        lbfgs = search("lbfgs", { maxIter = 20, nCorrection = 10, learningRate = 0.5, tolFun = 0, tolX = 0 })
        cg = search("cg", { maxIter = 10, maxEval = 20 })"#,
        &[
            ("sgd", "sgd()"),
            ("sgd, momentum", "momentum()"),
            ("sgd, momentum and weight decay", "decay()"),
            ("sgd, Nesterov", "nesterov()"),
            ("sgd, decays of parameters, momentum", "decays()"),
            ("nag", "nag()"),
            ("asgd", "asgd()"),
            ("adam", "adam()"),
            ("adamax", "adamax()"),
            ("adagrad", "adagrad()"),
            ("adadelta", "adadelta()"),
            ("rmsprop", "rmsprop()"),
            ("rprop", "rprop()"),
            ("lbfgs, 20 iterations", "lbfgs()"),
            ("cg, 20 evaluations", "cg()"),
        ],
    )
}
