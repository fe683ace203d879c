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
        adadelta, rmsprop = method("adadelta", {}), method("rmsprop", { learningRate = 1e-9 })"#,
        &[
            ("sgd", "sgd()"),
            ("sgd, momentum", "momentum()"),
            ("sgd, momentum and weight decay", "decay()"),
            ("sgd, Nesterov", "nesterov()"),
            ("nag", "nag()"),
            ("asgd", "asgd()"),
            ("adam", "adam()"),
            ("adamax", "adamax()"),
            ("adagrad", "adagrad()"),
            ("adadelta", "adadelta()"),
            ("rmsprop", "rmsprop()"),
            ("rprop", "rprop()"),
        ],
    )
}
